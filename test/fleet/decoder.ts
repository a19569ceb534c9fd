/** native/store/delta_file.c and delta_decode.c as WebAssembly, beside decoder.c. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileObjects, scratchFolder, zig } from '../../compiler/toolchain.ts';
import { type Status, STATUS } from '../../fleet/delta.ts';

const SOURCES = [
  'native/store/delta_file.c',
  'native/store/delta_decode.c',
  'native/hal/libc.c',
  'test/fleet/decoder.c',
];
const FLAGS = [
  '-target',
  'wasm32-freestanding',
  '-O2',
  '-std=c99',
  '-ffreestanding',
  '-Inative',
  '-Inative/hal/freestanding',
];
const EXPORTS = ['test_file', 'test_decoded', 'test_fields', 'test_parse', 'test_decode'];
const FIELDS = [
  'coding',
  'slot',
  'counter',
  'base',
  'payloadBytes',
  'decodedBytes',
  'blobCrc',
  'nameBytes',
] as const;

export type Fields = Record<(typeof FIELDS)[number], number>;

export interface DeviceReader {
  /** Fields of the header, or why it is refused. */
  parse: (file: Uint8Array) => Fields | Status;
  /** The payload, decoded in pieces of so many bytes, or why not. */
  decode: (file: Uint8Array, decodedBytes: number, piece: number) => Uint8Array | Status;
}

export async function deviceReader(): Promise<DeviceReader> {
  const folder = scratchFolder('delta-reader');
  const objects = await compileObjects(SOURCES, FLAGS, folder);
  const file = join(folder, 'reader.wasm');
  const exported = EXPORTS.map((name) => `--export=${name}`);
  await zig(['wasm-ld', '--no-entry', ...exported, ...objects, '-o', file]);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)));
  const memory = exports.memory as WebAssembly.Memory;
  const address = (name: string): number => (exports[name] as WebAssembly.Global).value as number;
  const call = (name: string, ...args: number[]): number =>
    (exports[name] as (...numbers: number[]) => number)(...args);
  const statusOf = (number: number): Status =>
    (Object.keys(STATUS) as Status[]).find((status) => STATUS[status] === number) ?? 'busy';
  const place = (bytes: Uint8Array): void =>
    new Uint8Array(memory.buffer).set(bytes, address('test_file'));
  return {
    parse: (bytes) => {
      place(bytes);
      const status = statusOf(call('test_parse', bytes.length));
      if (status !== 'ok') return status;
      const words = new Uint32Array(memory.buffer, address('test_fields'), FIELDS.length);
      return Object.fromEntries(FIELDS.map((name, i) => [name, words[i] ?? 0])) as Fields;
    },
    decode: (bytes, decodedBytes, piece) => {
      place(bytes);
      const status = statusOf(call('test_decode', bytes.length, piece));
      if (status !== 'ok') return status;
      return new Uint8Array(memory.buffer, address('test_decoded'), decodedBytes).slice();
    },
  };
}
