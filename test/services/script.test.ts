/** The modules of docs/modules.md as a script sees them, on our VM in the simulator. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runProgram } from '../../sim/run-program.ts';
import { projectRoot } from '../support/data.ts';

it('a script uses template and adc_stats like any other service', async () => {
  const lines: string[] = [];
  const program = join(projectRoot, 'test/services/programs/modules.ts');
  await runProgram(program, { test: true, timeout: 20, print: (line) => void lines.push(line) });
  expect(lines).toEqual([
    '> interval 1000',
    '> round 10',
    '> round 20',
    '> count 26',
    '> count 26',
    '> off false 8000 800',
    '> window 1 0 0 0',
    '> window 2 0 0 0',
    '> window 3 0 0 0',
    '> reading [0,0,0]',
    '> done',
  ]);
});
