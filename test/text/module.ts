/** native/vm's numbers and native/libm as WebAssembly (driver.c). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cFiles, compileAll, outputDir, zig } from '../../tools/native/toolchain.mjs';

const FLAGS = [
  ...['-target', 'wasm32-freestanding', '-O2', '-g0', '-ffreestanding'],
  ...['-fsanitize=undefined', '-fsanitize-trap=undefined', '-fvisibility=default'],
  ...['-isystem', 'native/hal/freestanding'],
];

const SOURCES = [
  ...['native/vm/number.c', 'native/vm/parse.c', 'native/vm/text.c', 'native/hal/libc.c'],
  ...cFiles('native/libm'),
  'test/text/driver.c',
];

type Unary = (x: number) => number;
type Binary = (x: number, y: number) => number;

export interface Text {
  /** As the console prints a number. */
  print: (number: number) => string;
  printDigits: (number: number, digits: number) => string;
  /** A text of ASCII: the number, NaN without one, and how many characters it takes. */
  parse: (text: string) => { value: number; used: number };
  /** As JSON.stringify quotes a string. */
  quote: (text: string) => string;
  /** Whether the VM keeps the number as an integer. */
  isInt: (number: number) => boolean;
  pow: Binary;
  log: Unary;
  floor: Unary;
  ceil: Unary;
  trunc: Unary;
}

export async function loadText(): Promise<Text> {
  const folder = `text-test/${process.env['VITEST_POOL_ID'] ?? '0'}`;
  const objects = await compileAll(SOURCES, FLAGS, folder);
  const file = join(outputDir(folder), 'text.wasm');
  await zig([
    ...['wasm-ld', '--no-entry', '--export-dynamic', '--stack-first', '-z', 'stack-size=65536'],
    ...objects.map(({ object }) => object),
    ...['-o', file],
  ]);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)), {});
  const call = (name: string, ...args: number[]): number =>
    (exports[`test_${name}`] as (...args: number[]) => number)(...args);
  const memory = exports['memory'] as WebAssembly.Memory;
  const buffer = new Uint8Array(memory.buffer, call('text'), 4096);
  const read = (from: number, length: number): string =>
    Buffer.from(buffer.subarray(from, from + length)).toString('utf8');
  const write = (text: string): number => {
    const bytes = Buffer.from(text, 'utf8');
    buffer.set(bytes);
    return bytes.length;
  };
  return {
    print: (number) => read(0, call('print', number)),
    printDigits: (number, digits) => read(0, call('print_digits', number, digits)),
    parse: (text) => ({ value: call('parse', write(text)), used: call('used') }),
    quote: (text) => read(2048, call('quoted', write(text))),
    isInt: (number) => call('is_int', number) === 1,
    pow: (x, y) => call('pow', x, y),
    log: (x) => call('log', x),
    floor: (x) => call('floor', x),
    ceil: (x) => call('ceil', x),
    trunc: (x) => call('trunc', x),
  };
}
