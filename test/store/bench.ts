/** native/store as WebAssembly over the flash of flash.c: the test plays board and power. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileAll, outputDir, zig } from '../../tools/native/toolchain.mjs';

const FLAGS = [
  ...['-target', 'wasm32-freestanding', '-O2', '-g0', '-ffreestanding'],
  ...['-fsanitize=undefined', '-fsanitize-trap=undefined', '-fvisibility=default'],
];
const SOURCES = [
  ...['store', 'log', 'space', 'old_format', 'adapter_record'].map((n) => `native/store/${n}.c`),
  'native/hal/libc.c',
  'test/store/flash.c',
];
const PAGE_BYTES = 65536;

export const SECTOR = 4096;
export const FLASH_BYTES = 128 * SECTOR;
/** Sectors behind the payloads: staging area and log. */
export const BEHIND = 8;

export const OK = 0;
export const ARENA_SIZE = -4;
export const ARGUMENT = -10;
export const STATE = -11;
export const FULL = -12;
export const EMPTY = -13;
export const FORMAT = -20;
export const CHECKSUM = -22;

let building: Promise<WebAssembly.Module> | undefined;

async function build(): Promise<WebAssembly.Module> {
  const folder = `store-test/${process.env['VITEST_POOL_ID'] ?? '0'}`;
  const objects = await compileAll(SOURCES, FLAGS, folder);
  const file = join(outputDir(folder), 'store.wasm');
  await zig([
    'wasm-ld',
    ...['--no-entry', '--export-dynamic', '--export=__heap_base', '--stack-first'],
    ...['-z', 'stack-size=16384'],
    ...objects.map(({ object }) => object),
    ...['-o', file],
  ]);
  return new WebAssembly.Module(readFileSync(file));
}

export interface Stats {
  sectors: number;
  freeSectors: number;
  retiredSectors: number;
  records: number;
  keys: number;
  logEntries: number;
  erasesMin: number;
  erasesMax: number;
  logErases: number;
  commits: number;
}

export interface Entry {
  key: number;
  versions: number;
  number: number;
  bytes: number;
}

/** rt_adapter_record_t, but for the name, which is text here. */
export interface AdapterRecord {
  modelHash: number;
  layoutHash: number;
  method: number;
  rank: number;
  source: number;
  state: number;
  heldOut: number;
  rightBefore: number;
  rightAfter: number;
  saves: number;
  bursts: number;
  deltaCounter: number;
  name: string;
}

const RECORD_STRUCT_BYTES = 60;

export class StoreBench {
  private readonly exports: WebAssembly.Exports;
  private readonly memory: WebAssembly.Memory;
  private readonly base: number;

  /** @param sectors of the board's store */
  static async create(sectors = 64): Promise<StoreBench> {
    building ??= build();
    return new StoreBench(await building, sectors);
  }

  private constructor(
    module: WebAssembly.Module,
    readonly sectors: number,
  ) {
    this.exports = new WebAssembly.Instance(module, {}).exports;
    this.memory = this.exports['memory'] as WebAssembly.Memory;
    const base = (this.exports['__heap_base'] as WebAssembly.Global).value as number;
    this.base = (base + 15) & ~15;
    this.memory.grow(Math.ceil((FLASH_BYTES + SECTOR) / PAGE_BYTES));
    this.flash().fill(0xff);
    this.call('test_set_sectors', sectors);
  }

  call(name: string, ...args: number[]): number {
    return (this.exports[name] as (...values: number[]) => number)(...args);
  }

  flash(): Uint8Array {
    return new Uint8Array(this.memory.buffer, this.call('test_flash'), FLASH_BYTES);
  }

  /** The region alone, as a file would hold it. */
  region(): Buffer {
    return Buffer.from(this.flash().subarray(0, this.sectors * SECTOR));
  }

  /** The board starts; the flash stays. Returns the status of the mount. */
  start(): number {
    this.call('test_power_on');
    return this.call('rt_store_init');
  }

  private write(at: number, bytes: Uint8Array): void {
    new Uint8Array(this.memory.buffer, at, bytes.length).set(bytes);
  }

  private u32(at: number, count: number): number[] {
    return [...new Uint32Array(this.memory.buffer, at, count)];
  }

  /** Parts at places of their own, behind 256 bytes of descriptors. */
  private parts(parts: readonly Uint8Array[]): number {
    let at = this.base + 256;
    parts.forEach((part, i) => {
      this.write(at, part);
      new Uint32Array(this.memory.buffer, this.base + 8 * i, 2).set([at, part.length]);
      at += part.length;
    });
    return this.base;
  }

  put(key: number, ...parts: Uint8Array[]): number {
    return this.call('rt_store_put', key, this.parts(parts), parts.length);
  }

  private found(status: number): Buffer | number {
    if (status !== OK) return status;
    const [at = 0, bytes = 0] = this.u32(this.base, 2);
    return Buffer.from(new Uint8Array(this.memory.buffer, at, bytes));
  }

  /** The newest good version, or the status. */
  get(key: number): Buffer | number {
    return this.found(this.call('rt_store_get', key, this.base, this.base + 4));
  }

  version(key: number, back: number): Buffer | number {
    return this.found(this.call('rt_store_get_version', key, back, this.base, this.base + 4));
  }

  /** Writes a version again from where it lies in flash. */
  copy(key: number, back: number, to: number): number {
    const found = this.call('rt_store_get_version', key, back, this.base, this.base + 4);
    return found === OK ? this.call('rt_store_put', to, this.base, 1) : found;
  }

  drop = (key: number): number => this.call('rt_store_drop', key);
  rollBack = (key: number): number => this.call('rt_store_roll_back', key);
  newest = (): number => this.call('rt_store_newest');
  room = (): number => this.call('rt_store_room');

  /** out: a cut at this operation from now, with outcome and bits of the seed. */
  cutIn(operations: number, seed: number): void {
    this.call('test_cut_in', operations, seed);
  }

  get isDark(): boolean {
    return this.call('test_is_dark') !== 0;
  }

  private entry(at: number): Entry {
    const view = new DataView(this.memory.buffer, at, 12);
    return {
      key: view.getUint16(0, true),
      versions: view.getUint8(2),
      number: view.getUint32(4, true),
      bytes: view.getUint32(8, true),
    };
  }

  numberOf(key: number, back: number): number {
    const status = this.call('rt_store_find_version', key, back, this.base);
    return status === OK ? this.entry(this.base).number : status;
  }

  list(): Entry[] {
    const entries: Entry[] = [];
    this.write(this.base, new Uint8Array(4));
    while (this.call('rt_store_next', this.base, this.base + 16) === OK) {
      entries.push(this.entry(this.base + 16));
    }
    return entries;
  }

  staging(): { status: number; offset: number; bytes: number } {
    const status = this.call('rt_store_staging', this.base, this.base + 4);
    const [offset = 0, bytes = 0] = this.u32(this.base, 2);
    return { status, offset, bytes };
  }

  stats(): Stats {
    this.call('rt_store_stats', this.base);
    const view = new DataView(this.memory.buffer, this.base, 28);
    const u16 = (at: number): number => view.getUint16(at, true);
    const u32 = (at: number): number => view.getUint32(at, true);
    return {
      ...{ sectors: u16(0), freeSectors: u16(2), retiredSectors: u16(4), records: u16(6) },
      ...{ keys: u16(8), logEntries: u16(10), erasesMin: u32(12), erasesMax: u32(16) },
      ...{ logErases: u32(20), commits: u32(24) },
    };
  }

  /** Erases of each sector of the region. */
  erases(): number[] {
    return Array.from({ length: this.sectors }, (_, i) => this.call('test_erases_of', i));
  }

  // ---- adapter records ----

  saveAdapter(slot: number, record: AdapterRecord, ...blob: Uint8Array[]): number {
    const parts = this.parts(blob);
    const at = this.base + 128;
    const view = new DataView(this.memory.buffer, at, RECORD_STRUCT_BYTES);
    view.setUint32(0, record.modelHash, true);
    view.setUint32(4, record.layoutHash, true);
    [record.method, record.rank, record.source, record.state].forEach((v, i) =>
      view.setUint8(8 + i, v),
    );
    [record.heldOut, record.rightBefore, record.rightAfter].forEach((v, i) =>
      view.setUint16(12 + 2 * i, v, true),
    );
    [record.saves, record.bursts, record.deltaCounter].forEach((v, i) =>
      view.setUint32(20 + 4 * i, v, true),
    );
    const name = new Uint8Array(25);
    name.set(Buffer.from(record.name, 'latin1').subarray(0, 24));
    this.write(at + 32, name);
    return this.call('rt_adapter_record_put', slot, at, parts, blob.length);
  }

  /** The name as bytes in latin1, so that bad UTF-8 shows. */
  adapter(slot: number, back = 0): { record: AdapterRecord; blob: Buffer } | number {
    const at = this.base + 128;
    const status = this.call('rt_adapter_record_get', slot, back, at, this.base);
    if (status !== OK) return status;
    const [blob = 0] = this.u32(this.base, 1);
    const view = new DataView(this.memory.buffer, at, RECORD_STRUCT_BYTES + 4);
    const u16 = (offset: number): number => view.getUint16(offset, true);
    const u32 = (offset: number): number => view.getUint32(offset, true);
    const name = Buffer.from(new Uint8Array(this.memory.buffer, at + 32, 25));
    const bytes = u32(RECORD_STRUCT_BYTES);
    return {
      record: {
        ...{ modelHash: u32(0), layoutHash: u32(4) },
        ...{ method: view.getUint8(8), rank: view.getUint8(9) },
        ...{ source: view.getUint8(10), state: view.getUint8(11) },
        ...{ heldOut: u16(12), rightBefore: u16(14), rightAfter: u16(16) },
        ...{ saves: u32(20), bursts: u32(24), deltaCounter: u32(28) },
        name: name.subarray(0, name.indexOf(0)).toString('latin1'),
      },
      blob: Buffer.from(new Uint8Array(this.memory.buffer, blob, bytes)),
    };
  }

  setState = (slot: number, state: number): number =>
    this.call('rt_adapter_record_set_state', slot, state);
}

/** Bytes that tell key and version. */
export const content = (key: number, version: number, bytes: number): Buffer =>
  Buffer.from(Array.from({ length: bytes }, (_, i) => (31 * i + 7 * key + 13 * version) & 255));
