import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './abi.ts';
import { compileSource } from './compiler.ts';
import type { Run } from './official.ts';
import { patchImage } from './patch.ts';

/**
 * The programs of the differential suite, programs/NAME.ts, and what the official VM prints when it
 * runs them, golden/NAME.txt: one console line a line with its level mark, then `= ` and the end.
 */
const folder = join(root, 'test', 'vm');
const programs = join(folder, 'programs');
const golden = join(folder, 'golden');
const cache = join(root, 'build', 'vm-programs');

export function programNames(): string[] {
  return readdirSync(programs)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -3))
    .sort();
}

export function sourceOf(name: string): string {
  return readFileSync(join(programs, `${name}.ts`), 'utf8');
}

/** The image of a program; kept in build/ under a name that changes with the source. */
export function imageOf(name: string): Uint8Array {
  return cachedImage(sourceOf(name), name);
}

/** Compiles, or takes what an earlier run compiled from the same source. */
export function cachedImage(source: string, name: string): Uint8Array {
  const file = imageFile(source, name);
  if (existsSync(file)) return new Uint8Array(readFileSync(file));
  const image = patchImage(compileSource(source).image, source);
  mkdirSync(cache, { recursive: true });
  writeFileSync(file, image);
  return image;
}

/** The file of a compiled program, for runners that take one. */
export function imageFileOf(name: string): string {
  imageOf(name);
  return imageFile(sourceOf(name), name);
}

function imageFile(source: string, name: string): string {
  const hash = createHash('sha256').update(source).digest('hex').slice(0, 12);
  return join(cache, `${name}-${hash}.devs`);
}

export function formatRun({ lines, end }: Run): string {
  return `${lines.join('\n')}\n= ${end}\n`;
}

/** What the official VM printed, or undefined when it was not recorded yet. */
export function goldenOf(name: string): string | undefined {
  const file = join(golden, `${name}.txt`);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

export function writeGolden(name: string, text: string): void {
  mkdirSync(golden, { recursive: true });
  writeFileSync(join(golden, `${name}.txt`), text);
}

/** The first line in which two texts differ, for a message; undefined when they are the same. */
export function firstDifference(expected: string, actual: string): string | undefined {
  if (expected === actual) return undefined;
  const wanted = expected.split('\n');
  const got = actual.split('\n');
  const at = wanted.findIndex((line, i) => line !== got[i]);
  const i = at < 0 ? wanted.length : at;
  return `line ${i + 1}\n  official: ${wanted[i] ?? '(none)'}\n  ours:     ${got[i] ?? '(none)'}`;
}
