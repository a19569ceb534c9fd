/**
 * One instance of sim/firmware.wasm: its memory, an allocator for what the C functions are given
 * (they allocate nothing themselves), and calls by name.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { RetuneError } from '../cli/error.ts';

const WASM_FILE = fileURLToPath(new URL('./firmware.wasm', import.meta.url));
const PAGE_BYTES = 65536;

/** Texts of rt_status_t (native/engine/status.h). */
const STATUS_TEXT: Record<number, string> = {
  [-1]: 'not a compiled model of this version; build it again with this Retune',
  [-2]: 'a layer kind that the firmware was built without',
  [-3]: 'an index, offset or size in the compiled model is out of range',
  [-4]: 'the arena is smaller than the memory plan asks for',
  [-5]: 'memory that must be 4-aligned is not',
  [-10]: 'an argument outside its documented range',
  [-11]: 'not allowed in the present state',
  [-12]: 'no room for one more labelled window',
  [-13]: 'no labelled windows to work on',
  [-20]: 'the adapter is truncated, oversized, or no adapter',
  [-21]: 'the adapter was made for another model, method or rank',
  [-22]: 'the adapter was changed since it was saved',
};

let compiled: WebAssembly.Module | undefined;

function simulator(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(readFileSync(WASM_FILE));
  return compiled;
}

export class Firmware {
  private readonly exports: WebAssembly.Exports;
  private readonly memory: WebAssembly.Memory;
  private top: number;

  /** @param module another build of native/ than sim/firmware.wasm */
  constructor(module?: WebAssembly.Module) {
    this.exports = new WebAssembly.Instance(module ?? simulator(), {}).exports;
    this.memory = this.exports['memory'] as WebAssembly.Memory;
    this.top = (this.exports['__heap_base'] as WebAssembly.Global).value as number;
  }

  /** Reserves zeroed memory for the life of the instance and returns its address, 16-aligned. */
  allocate(bytes: number): number {
    const at = (this.top + 15) & ~15;
    this.top = at + bytes;
    const missing = this.top - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / PAGE_BYTES));
    return at;
  }

  /** Whether the firmware has a function of this name. */
  has(name: string): boolean {
    return typeof this.exports[name] === 'function';
  }

  /** Calls a C function; pointers are addresses, unsigned results come back signed. */
  call(name: string, ...args: number[]): number {
    const target = this.exports[name];
    if (typeof target !== 'function') {
      throw new Error(`sim/firmware.wasm has no function ${name}; run npm run build:native`);
    }
    return (target as (...values: number[]) => number)(...args);
  }

  /** The same, and throws when the status it returns is an error. Returns RT_OK or RT_BUSY. */
  check(what: string, name: string, ...args: number[]): number {
    const status = this.call(name, ...args);
    if (status < 0) throw new RetuneError(`${what}: ${statusText(status)}`);
    return status;
  }

  /** Address of a constant or variable of the firmware. */
  address(name: string): number {
    const value = this.exports[name];
    if (!(value instanceof WebAssembly.Global)) throw new Error(`firmware has no symbol ${name}`);
    return value.value as number;
  }

  // Views are valid until the next allocate(): growing the memory detaches them.
  i8 = (at: number, length: number): Int8Array => new Int8Array(this.memory.buffer, at, length);
  u8 = (at: number, length: number): Uint8Array => new Uint8Array(this.memory.buffer, at, length);
  i16 = (at: number, length: number): Int16Array => new Int16Array(this.memory.buffer, at, length);
  i32 = (at: number, length: number): Int32Array => new Int32Array(this.memory.buffer, at, length);
  u32 = (at: number, length: number): Uint32Array =>
    new Uint32Array(this.memory.buffer, at, length);
}

/** The same by structure alone: what else runs native/ (an emulated chip) can stand in for it. */
export type FirmwareInterface = Pick<Firmware, keyof Firmware>;

/** What a status code of the firmware means. */
export function statusText(status: number): string {
  return STATUS_TEXT[status] ?? `the firmware reports status ${status}`;
}
