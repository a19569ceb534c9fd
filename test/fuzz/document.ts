/** The tables of docs/fuzzing.md: each between two marks, written by the command that measured. */
import { join } from 'node:path';
import { writeBetween } from '../../bench/document.ts';
import { projectRoot } from '../support/data.ts';

export const documentFile = join(projectRoot, 'docs/fuzzing.md');

/** Puts the lines between the marks of `name`. */
export function writeTable(name: string, lines: string[]): Promise<void> {
  return writeBetween(
    documentFile,
    [`<!-- ${name} -->`, `<!-- end of ${name} -->`],
    lines.join('\n'),
  );
}
