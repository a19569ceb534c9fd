/** native/store's deltas as WebAssembly (shim.c): flash that can lose power, an owner, a model. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { STATUS, type Status } from '../../fleet/delta.ts';
import { ED25519 } from '../../tools/native/zig-object.mjs';
import { cFiles, compileAll, outputDir, zig } from '../../tools/native/toolchain.mjs';

const INSTALLED = 1000;
const PIECE_BYTES = 224;
const STATES = ['kept', 'fresh', 'trial'] as const;
export const ANY_SLOT = 255;

const EXPORTS = [
  ...['flash', 'file', 'owner', '__heap_base', 'test_set_up', 'test_boot', 'test_cut_at'],
  ...['test_operations', 'test_parse', 'test_decode', 'test_finish', 'test_save', 'test_version'],
  ...['rt_delta_begin', 'rt_delta_data', 'rt_delta_confirm', 'rt_delta_revert'],
  ...['rt_delta_counter', 'rt_delta_received', 'rt_delta_reverted', 'rt_store_drop'],
];

type Numbers = Record<string, (...args: (number | bigint)[]) => number>;

class PowerCut extends Error {}

let compiled: Promise<WebAssembly.Module> | undefined;

async function compile(): Promise<WebAssembly.Module> {
  const folder = join('delta-test', String(process.pid));
  const store = cFiles('native/store').filter((file) => !file.endsWith('/trust.c'));
  const blob = ['native/engine/adapter_blob.c', 'native/engine/adapter.c'];
  const others = [ED25519, 'native/bus/sha256.c', 'native/hal/libc.c', 'test/delta/shim.c'];
  const flags = ['-target', 'wasm32-freestanding', '-O1', '-fsanitize=undefined'];
  const traps = ['-fsanitize-trap=undefined', '-ffunction-sections', '-fvisibility=hidden'];
  const objects = await compileAll([...store, ...blob, ...others], [...flags, ...traps], folder);
  const file = join(outputDir(folder), 'delta.wasm');
  const link = ['--no-entry', '--allow-undefined', '--gc-sections'];
  link.push(...EXPORTS.map((name) => `--export=${name}`));
  await zig(['wasm-ld', ...link, ...objects.map(({ object }) => object), '-o', file]);
  return new WebAssembly.Module(readFileSync(file));
}

const statusOf = (code: number): Status => {
  const found = Object.entries(STATUS).find(([, value]) => value === code);
  if (!found) throw new Error(`status ${code}`);
  return found[0] as Status;
};

export interface Settings {
  modelHash: number;
  layoutHash: number;
  method: number;
  rank: number;
  payloadBytes: number;
  device?: bigint;
  /** The owner's public key; undefined: nobody has claimed the board. */
  owner?: Uint8Array;
}

export interface Version {
  state: (typeof STATES)[number];
  blob: Uint8Array;
  counter: number;
  isDelta: boolean;
  name: string;
}

/** What a call came to, and where the next piece begins. */
export interface Answer {
  status: Status;
  offset: number;
}

export class Board {
  private memory!: Uint8Array;
  private calls!: Numbers;
  private at!: Record<string, number>;

  static async create(settings: Settings, flash?: Uint8Array): Promise<Board> {
    compiled ??= compile();
    const board = new Board(await compiled, settings);
    board.start(flash);
    return board;
  }

  private constructor(
    private readonly module: WebAssembly.Module,
    readonly settings: Settings,
  ) {}

  /** Switches the board on, `flash` as it was left; a cut may come while it starts. */
  private start(flash?: Uint8Array, cutAt = 0, how = 0): void {
    const cut = (): never => {
      throw new PowerCut();
    };
    const needed = WebAssembly.Module.imports(this.module).map(({ name }) => name);
    if (needed.join() !== 'power_cut') throw new Error(`the store needs ${needed.join()}`);
    const { exports } = new WebAssembly.Instance(this.module, { env: { power_cut: cut } });
    this.calls = exports as Numbers;
    this.memory = new Uint8Array((exports.memory as WebAssembly.Memory).buffer);
    const globals = ['flash', 'file', 'owner', '__heap_base'];
    this.at = Object.fromEntries(
      globals.map((name) => [name, (exports[name] as WebAssembly.Global).value as number]),
    );
    this.memory.fill(0xff, this.at.flash, this.at.flash! + this.flashBytes);
    if (flash) this.memory.set(flash, this.at.flash);
    this.setUp(this.settings);
    this.cutAt(cutAt, how);
    this.calls.test_boot!();
    this.cutAt(0);
  }

  private get flashBytes(): number {
    return 128 * 1024;
  }

  private setUp(settings: Settings): void {
    const { modelHash, layoutHash, method, rank, payloadBytes, device = 1n, owner } = settings;
    if (owner) this.memory.set(owner, this.at.owner);
    const numbers = [modelHash, layoutHash, method, rank, payloadBytes, device];
    this.calls.test_set_up!(...numbers, owner ? 1 : 0);
  }

  /** A changed owner or model, without a start. */
  change(settings: Partial<Settings>): void {
    this.setUp({ ...this.settings, ...settings });
  }

  get flash(): Uint8Array {
    return this.memory.slice(this.at.flash, this.at.flash! + this.flashBytes);
  }

  /** Off and on again. */
  reboot(): this {
    this.start(this.flash);
    return this;
  }

  /** Off and on again, with a cut during the start, and on again. */
  rebootWithCut(nth: number, how: number): void {
    this.survives(() => this.start(this.flash, nth, how));
  }

  /** The power goes during the nth flash operation from now on, half done in one of 4 ways. */
  cutAt(nth: number, how = 0): void {
    this.calls.test_cut_at!(nth, how);
  }

  /** Whether `work` was interrupted by the cut; then the board is on again. */
  survives(work: () => void): boolean {
    try {
      work();
      return true;
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
      this.reboot();
      return false;
    }
  }

  get operations(): number {
    return this.calls.test_operations!();
  }

  get counter(): number {
    return this.calls.rt_delta_counter!() >>> 0;
  }

  get received(): number {
    return this.calls.rt_delta_received!();
  }

  get reverted(): number {
    return this.calls.rt_delta_reverted!();
  }

  private put(bytes: Uint8Array, offset = 64): number {
    const place = this.at.__heap_base! + offset;
    this.memory.set(bytes, place);
    return place;
  }

  private answer(status: number): Answer {
    const view = new DataView(this.memory.buffer);
    return { status: statusOf(status), offset: view.getUint32(this.at.__heap_base!, true) };
  }

  begin(file: Uint8Array, sha256: Uint8Array = sha(file)): Answer {
    const hash = this.put(sha256);
    return this.answer(this.calls.rt_delta_begin!(file.length, hash, this.at.__heap_base!));
  }

  data(at: number, bytes: Uint8Array): Answer {
    const place = this.put(bytes);
    return this.answer(this.calls.rt_delta_data!(at, place, bytes.length, this.at.__heap_base!));
  }

  /** Sends what is missing, as fleet/transfer.ts does. */
  send(file: Uint8Array, piece = PIECE_BYTES): Status {
    let { status, offset } = this.begin(file);
    while (status === 'ok' && offset < file.length) {
      ({ status, offset } = this.data(offset, file.slice(offset, offset + piece)));
      if (status === 'wrongOffset') status = 'ok';
    }
    return status;
  }

  /** A refusal, or the slot that it is in now. */
  finish(slot = ANY_SLOT): Status | number {
    const result = this.calls.test_finish!(slot);
    return result >= INSTALLED ? result - INSTALLED : statusOf(result);
  }

  install(file: Uint8Array, slot = ANY_SLOT): Status | number {
    const sent = this.send(file);
    return sent === 'ok' ? this.finish(slot) : sent;
  }

  confirm(slot: number): Status {
    return statusOf(this.calls.rt_delta_confirm!(slot));
  }

  revert(slot: number): Status {
    return statusOf(this.calls.rt_delta_revert!(slot));
  }

  /** Keeps an adapter as a board does that has trained it. */
  save(slot: number, blob: Uint8Array): void {
    this.memory.set(blob, this.at.file);
    if (this.calls.test_save!(slot, blob.length) !== 1) throw new Error('not saved');
  }

  /** The slot is given up, as the learner's `drop` does it. */
  drop(slot: number): void {
    if (this.calls.rt_store_drop!(0x100 + slot) !== 0) throw new Error('not dropped');
  }

  /** Clears the flash's byte that comes `ahead` bytes behind where these bytes begin. */
  spoil(bytes: Uint8Array, ahead: number): void {
    const at = Buffer.from(this.flash).indexOf(bytes);
    if (at < 0) throw new Error('not in flash');
    this.memory[this.at.flash! + at + ahead] = 0;
  }

  version(slot: number, back = 0): Version | undefined {
    const base = this.at.__heap_base!;
    const state = this.calls.test_version!(slot, back, base, base + 32);
    if (state >= 254) return undefined;
    const view = new DataView(this.memory.buffer);
    const name = this.memory.slice(base + 32, base + 57);
    return {
      state: STATES[state]!,
      blob: this.memory.slice(this.at.file, this.at.file! + view.getUint32(base, true)),
      counter: view.getUint32(base + 4, true),
      isDelta: view.getUint32(base + 8, true) === 1,
      name: new TextDecoder().decode(name.subarray(0, name.indexOf(0))),
    };
  }

  /** What the header parser says. */
  parse(file: Uint8Array): Status {
    this.memory.set(file, this.at.file);
    return statusOf(this.calls.test_parse!(file.length));
  }

  /** Decodes the payload `piece` bytes at a time. */
  decode(file: Uint8Array, size: number, piece: number): Uint8Array | Status {
    this.memory.set(file, this.at.file);
    const to = this.put(new Uint8Array(size));
    const status = statusOf(this.calls.test_decode!(file.length, piece, to));
    return status === 'ok' ? this.memory.slice(to, to + size) : status;
  }
}

export const sha = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array(createHash('sha256').update(bytes).digest());
