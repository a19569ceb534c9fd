/** docs/modules.md shows what the template is. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { projectRoot } from '../support/data.ts';

const read = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');

it('the pieces of C in docs/modules.md are in the modules, word for word', () => {
  const sources = read('native/services/template.c') + read('native/services/button.c');
  const pieces = [...read('docs/modules.md').matchAll(/```c\n([^`]*)```/g)].map(
    (match) => match[1],
  );
  expect(pieces).toHaveLength(4);
  for (const piece of pieces) expect(sources).toContain(piece);
});

it('so are the lines of its contract', () => {
  const [, contract = ''] = /```md\n([^`]*)```/.exec(read('docs/modules.md')) ?? [];
  const lines = contract.split('\n');
  expect(lines.length).toBeGreaterThan(20);
  const spec = read('services/template.md').split('\n');
  for (const line of lines) expect(spec).toContain(line);
});
