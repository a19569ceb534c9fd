/**
 * programs/odd-values.ts on the host with sanitizers, once a seed: alone, with the collector at every
 * allocation, with a small heap, and with an allocation that fails.
 *
 *     tsx test/objects/odd-values.ts [--seeds N] [--first N]
 */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildHost, type HostVariant } from '../../tools/native/host-vm.mjs';
import { compileSource } from '../vm/compiler.ts';

const PROGRAM = fileURLToPath(new URL('programs/odd-values.ts', import.meta.url));
const IMAGE = fileURLToPath(new URL('../../build/odd-values.devs', import.meta.url));

/** The kinds of run; options of the runner by seed. */
const RUNS: { variant: HostVariant; options: (seed: number) => string[]; every: number }[] = [
  { variant: 'asan', options: () => [], every: 1 },
  { variant: 'asan', options: () => ['--heap', '12000'], every: 2 },
  { variant: 'asan', options: (seed) => ['--fail-at', String(17 * seed)], every: 2 },
  { variant: 'stress', options: () => [], every: 10 },
];

/** What is wrong with a run, or undefined. A panic for lack of memory is as good an end as any. */
function fault(program: string, args: string[]): Promise<string | undefined> {
  return new Promise((done) => {
    execFile(program, args, { timeout: 300_000, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      const ended = /\n= (restart|panic \d+)\n$/.test(stdout) && stderr === '';
      done(ended ? undefined : `${error?.signal ?? error?.code}\n${stderr.slice(0, 4000)}`);
    });
  });
}

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '100' }, first: { type: 'string', default: '1' } },
});
const first = Number(values.first);
mkdirSync(dirname(IMAGE), { recursive: true });
writeFileSync(IMAGE, compileSource(readFileSync(PROGRAM, 'utf8')).image);
let runs = 0;
let faults = 0;
for (const { variant, options, every } of RUNS) {
  const program = await buildHost(variant);
  for (let seed = first; seed < first + Number(values.seeds); seed += every) {
    const args = ['--end', '--seed', String(seed), ...options(seed), IMAGE];
    const wrong = await fault(program, args);
    runs++;
    if (wrong === undefined) continue;
    faults++;
    console.error(`${variant} ${args.join(' ')}: ${wrong}`);
  }
}
console.log(`${runs} runs of natives on odd values, ${faults} wrong`);
process.exitCode = faults === 0 && runs > 0 ? 0 : 1;
