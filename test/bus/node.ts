import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ED25519 } from '../../tools/native/zig-object.mjs';
import { cFiles, compileAll, outputDir, zig } from '../../tools/native/toolchain.mjs';

/** A packet as native/bus/bus.h has it. */
export interface Packet {
  device: bigint;
  command: number;
  flags: number;
  index: number;
  payload: Uint8Array;
}

export const OWN_ID = 0x1100ffeeddccbbaan;
export const COMMAND = 1;
export const ACK_WANTED = 2;
export const BROADCAST = 4;

/** A mark of the firmware's own: the packet came over a link. */
const FROM_LINK = 0x20;
const USB = 0;
const PACKET_BYTES = 24;
const SECTOR_BYTES = 4096;
const PAGE_BYTES = 256;

type Exports = Record<string, (...args: (number | bigint)[]) => number | bigint>;

let compiled: Promise<WebAssembly.Module> | undefined;

async function compile(): Promise<WebAssembly.Module> {
  const folder = join('bus-test', String(process.pid));
  // of the store the log and the trust; adapters and deltas need the engine
  const store = cFiles('native/store').filter((file) => !/\/(delta|adapter)/.test(file));
  const rooms = [...cFiles('native/bus'), ...store];
  const sources = [...rooms, ED25519, 'native/hal/libc.c', 'test/bus/shim.c'];
  const flags = ['-target', 'wasm32-freestanding', '-O1'];
  const objects = await compileAll(sources, flags, folder);
  const file = join(outputDir(folder), 'bus.wasm');
  const link = ['--no-entry', '--export-all', '--allow-undefined'];
  await zig(['wasm-ld', ...link, ...objects.map(({ object }) => object), '-o', file]);
  return new WebAssembly.Module(readFileSync(file));
}

/** What a build puts into the firmware. */
export interface Build {
  /** The owner's public key. */
  owner?: Uint8Array;
  lock?: boolean;
  /** False: a firmware that cannot check any. */
  signatures?: boolean;
  /** Of the chance. */
  seed?: number;
}

/**
 * native/bus as WebAssembly on a board that is this object: a clock, one serial link, NOR flash, and
 * the ends that the bus has in a firmware (services, the script's ear).
 */
export class Node {
  now = 0;
  isOpen = true;
  /** Bytes that the link takes before it is full. */
  room = Infinity;
  /** What the bus sent over the link. */
  readonly sent: number[] = [];
  /** Packets that local services got, and that the script heard. */
  readonly served: Packet[] = [];
  readonly heard: Packet[] = [];
  readonly pins: [number, number][] = [];
  readonly running: number[] = [];
  resets = 0;
  /** Cycles that the firmware says it has spent. */
  spent = 0;
  isRunning = 0;
  /** Answers a command to a local service. */
  onCommand: (packet: Packet) => void = () => undefined;
  /** Whether the packet woke the script. */
  onHear: (packet: Packet) => boolean = () => false;
  /** Called before each flash operation; throws to cut the power. */
  onFlash: (operation: 'erase' | 'program', offset: number) => void = () => undefined;

  /** Called after each flash operation: for bits that do not take what they should. */
  onWritten: (operation: 'erase' | 'program', offset: number) => void = () => undefined;

  private random: number;
  private readonly incoming: number[] = [];
  private readonly exports: Exports;
  private readonly memory: WebAssembly.Memory;

  /** @param flash what the power cycle before left */
  static async boot(flash?: Uint8Array, build: Build = {}): Promise<Node> {
    compiled ??= compile();
    return new Node(await compiled, flash, build);
  }

  private constructor(module: WebAssembly.Module, flash: Uint8Array | undefined, build: Build) {
    this.random = build.seed ?? 41;
    const env = this.imports();
    const needed = Object.fromEntries(
      WebAssembly.Module.imports(module).map(({ name }) => {
        const found = env[name];
        if (found === undefined) throw new Error(`the bus needs ${name}`);
        return [name, found];
      }),
    );
    const instance = new WebAssembly.Instance(module, { env: needed });
    this.exports = instance.exports as unknown as Exports;
    this.memory = instance.exports['memory'] as WebAssembly.Memory;
    this.flash.fill(0xff);
    if (flash !== undefined) this.flash.set(flash);
    this.call('rt_bus_init', OWN_ID);
    this.call('test_listen');
    if (build.owner !== undefined) {
      const at = this.call('test_owner', build.lock === true ? 1 : 0);
      new Uint8Array(this.memory.buffer).set(build.owner, at);
    }
    if (build.signatures === false) this.call('test_without_signatures');
    this.call('rt_trust_init');
    if (this.call('rt_deploy_init') !== 0) throw new Error('rt_deploy_init failed');
  }

  call(name: string, ...args: (number | bigint)[]): number {
    return Number((this.exports[name] as (...args: (number | bigint)[]) => unknown)(...args));
  }

  /** 64 bits that a function returns. */
  call64(name: string): bigint {
    const target = this.exports[name] as unknown as () => bigint;
    return BigInt.asUintN(64, target());
  }

  get flash(): Uint8Array {
    return new Uint8Array(this.memory.buffer, this.call('test_flash'), 65536);
  }

  /** The deployed program, undefined when there is none. */
  get program(): Uint8Array | undefined {
    const bytes = this.call('test_program_bytes');
    if (bytes === 0) return undefined;
    return new Uint8Array(this.memory.buffer, this.call('test_program'), bytes).slice();
  }

  /** Service classes of the nth device, undefined past the last. */
  device(nth: number): { id: bigint; classes: number[] } | undefined {
    const count = this.call('test_device', nth);
    if (count < 0) return undefined;
    const classes = Array.from(
      { length: count },
      (_, i) => this.call('test_device_class', i) >>> 0,
    );
    return { id: this.call64('test_device_id'), classes };
  }

  /** One turn at the present time. @returns microseconds of the next */
  process(): number {
    return this.call('rt_bus_process', BigInt(this.now));
  }

  /** Turns until `until` (microseconds). */
  run(until: number): void {
    for (;;) {
      const next = this.process();
      if (next >= until && this.call('rt_bus_is_pending') === 0) break;
      this.now = Math.max(this.now, Math.min(next, until));
    }
    this.now = until;
  }

  /** rt_bus_send; returns its status. */
  send(packet: Packet): number {
    return this.call('rt_bus_send', this.put(packet));
  }

  event(index: number, code: number, payload: Uint8Array): number {
    const at = this.bytes(payload);
    return this.call('rt_bus_send_event', index, code, at, payload.length);
  }

  log(level: string, text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.call('rt_bus_log', level.charCodeAt(0), this.bytes(bytes), bytes.length);
  }

  receive(bytes: Iterable<number>): void {
    this.incoming.push(...bytes);
  }

  /** Everything sent so far, and forgets it. */
  takeSent(): Uint8Array {
    return Uint8Array.from(this.sent.splice(0));
  }

  private bytes(payload: Uint8Array): number {
    const at = this.call('test_memory') + PACKET_BYTES;
    new Uint8Array(this.memory.buffer).set(payload, at);
    return at;
  }

  private put(packet: Packet): number {
    const payload = this.bytes(packet.payload);
    const at = payload - PACKET_BYTES;
    const view = new DataView(this.memory.buffer, at, PACKET_BYTES);
    view.setBigUint64(0, packet.device, true);
    view.setUint16(8, packet.command, true);
    view.setUint8(10, packet.flags);
    view.setUint8(11, packet.index);
    view.setUint8(12, packet.payload.length);
    view.setUint32(16, payload, true);
    return at;
  }

  private get(at: number): Packet {
    const view = new DataView(this.memory.buffer, at, PACKET_BYTES);
    const from = view.getUint32(16, true);
    return {
      device: view.getBigUint64(0, true),
      command: view.getUint16(8, true),
      flags: view.getUint8(10) & ~FROM_LINK,
      index: view.getUint8(11),
      payload: new Uint8Array(this.memory.buffer, from, view.getUint8(12)).slice(),
    };
  }

  private imports(): Record<string, (...args: never[]) => unknown> {
    return {
      rt_hal_now_us: () => BigInt(this.now),
      // two calls in a row differ, two boots with the same seed do not
      rt_hal_random: () => (this.random = Math.imul(this.random, 1664525) + 1013904223),
      rt_hal_device_id: () => BigInt.asIntN(64, OWN_ID),
      rt_hal_spent: (cycles: number) => void (this.spent += cycles),
      rt_hal_reset: () => {
        this.resets++;
        throw new Error('reset');
      },
      rt_hal_pin_mode: () => 0,
      rt_hal_pin_write: (pin: number, level: number) => void this.pins.push([pin, level]),
      rt_hal_link_is_open: (link: number) => (link === USB && this.isOpen ? 1 : 0),
      rt_hal_link_read: (_link: number, at: number, capacity: number) => {
        const taken = this.incoming.splice(0, capacity);
        new Uint8Array(this.memory.buffer).set(taken, at);
        return taken.length;
      },
      rt_hal_link_write: (_link: number, at: number, size: number) => {
        const count = Math.min(size, this.room);
        this.room -= count;
        this.sent.push(...new Uint8Array(this.memory.buffer, at, count));
        return count;
      },
      rt_hal_flash_erase: (offset: number, bytes: number) => {
        if (offset % SECTOR_BYTES !== 0 || bytes % SECTOR_BYTES !== 0) return -10;
        this.onFlash('erase', offset);
        this.flash.fill(0xff, offset, offset + bytes);
        this.onWritten('erase', offset);
        return 0;
      },
      rt_hal_flash_program: (offset: number, from: number, bytes: number) => {
        if (offset % PAGE_BYTES !== 0 || bytes % PAGE_BYTES !== 0) return -10;
        this.onFlash('program', offset);
        const data = new Uint8Array(this.memory.buffer, from, bytes);
        data.forEach((byte, i) => (this.flash[offset + i] = byte & (this.flash[offset + i] ?? 0)));
        this.onWritten('program', offset);
        return 0;
      },
      rt_services_dispatch: (at: number) => {
        const packet = this.get(at);
        this.served.push(packet);
        this.onCommand(packet);
      },
      test_heard: (at: number) => {
        const packet = this.get(at);
        this.heard.push(packet);
        return this.onHear(packet) ? 1 : 0;
      },
      rt_firmware_set_running: (running: number) => {
        this.running.push(running);
        this.isRunning = running;
      },
      rt_firmware_is_running: () => this.isRunning,
      rt_firmware_release_program: () => void (this.isRunning = 0),
    };
  }
}
