/** The tables of docs/fuzzing.md: each between two marks, written by the command that measured. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../support/data.ts';

export const documentFile = join(projectRoot, 'docs/fuzzing.md');

/** Puts the lines between the marks of `name`. */
export function writeTable(name: string, lines: string[]): void {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const text = readFileSync(documentFile, 'utf8');
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/fuzzing.md: the marks of ${name} are missing`);
  const table = `${begin}\n\n${lines.join('\n')}\n\n`;
  writeFileSync(documentFile, text.slice(0, from) + table + text.slice(to));
}
