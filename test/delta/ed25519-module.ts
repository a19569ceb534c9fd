/** native/store/ed25519.zig as WebAssembly and as the machine code of an emulated RP2040. */
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Rp2040Machine, type CallResult, type MachineOptions } from '../../bench/rp2040/machine.ts';
import {
  compileObjects,
  compilerRuntime,
  CORTEX_M0_PLUS,
  projectRoot,
  scratchFolder,
  zig,
} from '../../compiler/toolchain.ts';

const SOURCES = ['native/store/ed25519.zig', 'native/hal/libc.c'];
const FLAGS = ['-O2', '-std=c99', '-ffreestanding', '-ffunction-sections'];

export const OK = 0;
export const BAD_KEY = -10;
export const BAD_SIGNATURE = -22;

export type Verify = (signature: Uint8Array, parts: Uint8Array[], key: Uint8Array) => number;

/** A new pair of keys: the public one as the 32 bytes of RFC 8032. */
export function newKeys(): { raw: Uint8Array; privateKey: KeyObject } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return { raw: new Uint8Array(der.subarray(-32)), privateKey };
}

export const signed = (message: Uint8Array, privateKey: KeyObject): Uint8Array =>
  new Uint8Array(sign(null, message, privateKey));

/** Places the arguments with `put` and calls. */
function call(
  put: (bytes: Uint8Array) => number,
  [signature, parts, key]: Parameters<Verify>,
  verify: (...args: number[]) => number,
): number {
  const table = new Uint32Array(parts.flatMap((part) => [put(part), part.length]));
  const list = put(new Uint8Array(table.buffer));
  return verify(put(signature), list, parts.length, put(key));
}

export async function wasmVerify(): Promise<Verify> {
  const folder = scratchFolder('ed25519-wasm');
  const target = ['-target', 'wasm32-freestanding'];
  const objects = await compileObjects(SOURCES, [...target, ...FLAGS], folder);
  const file = join(folder, 'ed25519.wasm');
  const exported = ['--export=rt_ed25519_verify', '--export=__heap_base'];
  await zig(['wasm-ld', '--no-entry', ...exported, ...objects, '-o', file]);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)));
  const memory = exports.memory as WebAssembly.Memory;
  const verify = exports.rt_ed25519_verify as (...args: number[]) => number;
  const base = (exports.__heap_base as WebAssembly.Global).value as number;
  memory.grow(16);
  return (...args) => {
    let at = base;
    const put = (bytes: Uint8Array): number => {
      const place = at;
      new Uint8Array(memory.buffer).set(bytes, place);
      at += (bytes.length + 7) & ~7;
      return place;
    };
    return call(put, args, verify);
  };
}

export interface ChipVerify {
  verify: (...args: Parameters<Verify>) => CallResult;
  /** Bytes of flash that the check takes: code and tables, what it needs of the compiler's run-time library included. */
  flashBytes: number;
  /** Lines that the flash cache had to fetch so far; 0 without `xip`. */
  misses: () => number;
}

export async function chipVerify(options?: MachineOptions): Promise<ChipVerify> {
  const folder = scratchFolder('ed25519-chip');
  const objects = await compileObjects(SOURCES, [...CORTEX_M0_PLUS, ...FLAGS], folder);
  const elf = join(folder, 'ed25519.elf');
  // Without what nothing refers to, as a board's firmware is linked.
  const kept = readFileSync(join(projectRoot, 'bench/rp2040/link.ld'), 'utf8');
  const script = join(folder, 'link.ld');
  writeFileSync(script, kept.replaceAll(/KEEP\((.*)\) \}/g, '$1 }'));
  const link = ['-T', script, '--gc-sections', '--build-id=none', '-e', 'rt_ed25519_verify'];
  await zig(['ld.lld', ...link, ...objects, await compilerRuntime(), '-o', elf]);
  const machine = Rp2040Machine.load(elf, options);
  const base = machine.allocate(0);
  const flashBytes = machine.elf.segments.reduce(
    (bytes, segment) => bytes + segment.bytes.length,
    0,
  );
  const verify = (...args: Parameters<Verify>): CallResult => {
    let at = base;
    const put = (bytes: Uint8Array): number => {
      const place = machine.write(bytes, at);
      at += (bytes.length + 7) & ~7;
      return place;
    };
    let result: CallResult | undefined;
    call(put, args, (...numbers) => (result = machine.call('rt_ed25519_verify', numbers)).result);
    if (result === undefined) throw new Error('nothing was called');
    return result;
  };
  return { verify, flashBytes, misses: () => machine.xipMisses };
}
