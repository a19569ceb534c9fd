/** Tables of a document between two marks, written by the command that measured. */
import { readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import * as prettier from 'prettier';
import { projectRoot } from '../compiler/toolchain.ts';

/**
 * Puts Markdown between the marks of a document, which is then in the style that is checked. Throws
 * when the marks are not there.
 */
export async function writeBetween(
  file: string,
  [begin, end]: readonly [string, string],
  markdown: string,
): Promise<void> {
  const page = readFileSync(file, 'utf8');
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) {
    throw new Error(`${relative(projectRoot, file)}: the marks of ${begin} are missing`);
  }
  const whole = `${page.slice(0, from)}${begin}\n\n${markdown}\n\n${page.slice(to)}`;
  const style = await prettier.resolveConfig(file);
  writeFileSync(file, await prettier.format(whole, { ...style, parser: 'markdown' }));
}
