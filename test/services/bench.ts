/**
 * The service modules of native/services as WebAssembly on a bench (driver.c, driver_bus.c): the test
 * plays the board and the bus.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  cFiles,
  compileAll,
  outputDir,
  portableSources,
  zig,
} from '../../tools/native/toolchain.mjs';
import type { Firmware } from '../../sim/firmware.ts';
import { placeLearner } from '../../sim/learner-setup.ts';
import type { Microphone } from '../../sim/microphone.ts';
import { type Device, GET, kindOf, type Sent, SET } from './device.ts';

const FLAGS = [
  ...['-target', 'wasm32-freestanding', '-O2', '-g0', '-ffreestanding'],
  ...['-fsanitize=undefined', '-fsanitize-trap=undefined', '-fvisibility=default'],
  '-Itest/services',
];
const PAGE_BYTES = 65536;
/** Bytes of sent_t in driver_bus.c. */
export const SENT_BYTES = 240;

/** Test files run side by side, each in a folder of its own; zig's cache does the work once. */
const FOLDER = `services-test/${process.env['VITEST_POOL_ID'] ?? '0'}`;

let building: Promise<WebAssembly.Module> | undefined;

async function build(): Promise<WebAssembly.Module> {
  const folders = ['native/services', 'native/store', 'test/services'];
  const sources = [...portableSources(), 'native/bus/sha256.c', ...folders.flatMap(cFiles)];
  const objects = await compileAll(sources, FLAGS, FOLDER);
  const file = join(outputDir(FOLDER), 'services.wasm');
  await zig([
    'wasm-ld',
    ...['--no-entry', '--export-dynamic', '--export=__heap_base', '--stack-first'],
    ...['-z', 'stack-size=65536'],
    ...objects.map(({ object }) => object),
    ...['-o', file],
  ]);
  return new WebAssembly.Module(readFileSync(file));
}

/** Bus index of a module: the order of rt_service_modules in driver_bus.c. */
export const SERVICE = {
  learner: 1,
  capture: 2,
  button: 3,
  lightBulb: 4,
  power: 5,
  template: 6,
  adcStats: 7,
} as const;

/** Memory of one instance, with what sim/learner-setup.ts needs of a firmware. */
class Instance {
  readonly exports: WebAssembly.Exports;
  private readonly memory: WebAssembly.Memory;
  private top: number;

  constructor(module: WebAssembly.Module) {
    this.exports = new WebAssembly.Instance(module, {}).exports;
    this.memory = this.exports['memory'] as WebAssembly.Memory;
    this.top = (this.exports['__heap_base'] as WebAssembly.Global).value as number;
  }

  allocate(bytes: number): number {
    const at = (this.top + 15) & ~15;
    this.top = at + bytes;
    const missing = this.top - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / PAGE_BYTES));
    return at;
  }

  call(name: string, ...args: number[]): number {
    // sim/learner-setup.ts speaks to the simulator's firmware
    const target = this.exports[name === 'rt_sim_set_learner' ? 'bench_set_setup' : name];
    return (target as (...values: number[]) => number)(...args);
  }

  check(what: string, name: string, ...args: number[]): number {
    const status = this.call(name, ...args);
    if (status < 0) throw new Error(`${what}: ${name} returns ${status}`);
    return status;
  }

  u8 = (at: number, length: number): Uint8Array => new Uint8Array(this.memory.buffer, at, length);
  i16 = (at: number, length: number): Int16Array => new Int16Array(this.memory.buffer, at, length);
  u32 = (at: number, length: number): Uint32Array =>
    new Uint32Array(this.memory.buffer, at, length);
}

export interface ServicesBenchOptions {
  /** A .tflite for learner and capture; without one they are not offered. */
  model?: string;
  microphone?: Microphone;
}

export class ServicesBench implements Device {
  /** All that was sent since the last `take`, oldest first. */
  private sent: Sent[] = [];
  /** Longest stretch of virtual time that one poll took, in microseconds. */
  longestPoll = 0;
  private readonly scratch: number;
  private heard = 0;

  static async create(options: ServicesBenchOptions = {}): Promise<ServicesBench> {
    building ??= build();
    return new ServicesBench(new Instance(await building), options);
  }

  private constructor(
    readonly firmware: Instance,
    private readonly options: ServicesBenchOptions,
  ) {
    this.scratch = firmware.allocate(PAGE_BYTES);
    this.flash().fill(0xff);
    if (options.model !== undefined) {
      placeLearner(options.model)(firmware as unknown as Firmware);
    }
    this.powerOn();
  }

  /** The first time, and after a power cut; the flash stays. */
  powerOn(): void {
    this.heard = 0;
    this.sent = [];
    this.firmware.call('bench_power_on');
  }

  /** Microseconds since power on. */
  get now(): number {
    return this.firmware.call('bench_now_us');
  }

  get cycles(): number {
    return this.firmware.call('bench_cycles');
  }

  flash(): Uint8Array {
    return this.firmware.u8(this.firmware.call('bench_flash'), 0x40000);
  }

  get log(): string {
    const bytes = this.firmware.call('bench_log_bytes');
    return Buffer.from(this.firmware.u8(this.firmware.call('bench_log'), bytes)).toString();
  }

  /** Runs until `until` microseconds, or until `isDone` says so of what was sent. */
  run(until: number, isDone: (sent: Sent) => boolean = () => false): void {
    const { firmware } = this;
    for (;;) {
      this.listen();
      const begin = this.now;
      const due = firmware.call('bench_poll');
      this.longestPoll = Math.max(this.longestPoll, this.now - begin);
      const news = this.collect();
      if (news.some(isDone) || this.now >= until) return;
      // an audio block wakes the board, and so does its timer
      const wake = this.options.microphone === undefined ? until : this.now + 20_000;
      firmware.call('bench_set_now_us', Math.min(until, wake, Math.max(due, this.now + 1)));
    }
  }

  /** Runs for so long. */
  wait(microseconds: number): void {
    this.run(this.now + microseconds);
  }

  /** Runs until something of the kind was sent, which is returned. */
  until(isWanted: (sent: Sent) => boolean, limit = 60_000_000): Sent {
    const earlier = this.sent.find(isWanted);
    if (earlier !== undefined) return earlier;
    this.run(this.now + limit, isWanted);
    const found = this.sent.find(isWanted);
    if (found === undefined) throw new Error(`not sent within ${limit} microseconds`);
    return found;
  }

  /** What was sent since the last call. */
  take(): Sent[] {
    this.collect();
    return this.sent.splice(0);
  }

  /** Sends a command and returns its report. */
  command(service: number, code: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
    this.take();
    this.send(service, code, payload);
    return this.until((s) => s.kind === 'report' && s.service === service && s.code === code)
      .payload;
  }

  send(service: number, command: number, payload: Uint8Array = Buffer.alloc(0)): void {
    this.firmware.u8(this.scratch, payload.length).set(payload);
    this.firmware.call('bench_command', service, command, this.scratch, payload.length);
  }

  read(service: number, code: number): Buffer {
    this.take();
    this.send(service, GET | code);
    const [answer] = this.take();
    if (answer?.kind !== 'register' || answer.code !== code) throw new Error('no answer');
    return answer.payload;
  }

  write(service: number, code: number, payload: Uint8Array): void {
    this.send(service, SET | code, payload);
  }

  /** Feeds what the microphone has heard up to now. */
  private listen(): void {
    const { firmware, options } = this;
    if (options.microphone === undefined) return;
    const now = options.microphone.sampleAt(this.now / 1000);
    while (this.heard < now) {
      const end = Math.min(now, this.heard + 4000);
      const samples = options.microphone.read(this.heard, end);
      firmware.i16(this.scratch, samples.length).set(samples);
      firmware.call('bench_hear', this.scratch, samples.length);
      this.heard = end;
    }
  }

  private collect(): Sent[] {
    const { firmware } = this;
    const count = firmware.call('bench_sent_count');
    const at = firmware.call('bench_sent');
    const news = Array.from({ length: count }, (_, i) => {
      const bytes = Buffer.from(firmware.u8(at + i * SENT_BYTES, SENT_BYTES));
      const command = bytes.readUInt16LE(2);
      return {
        at: this.now,
        service: bytes.readUInt8(0),
        ...kindOf(command),
        payload: bytes.subarray(4, 4 + bytes.readUInt8(1)),
      };
    });
    firmware.call('bench_forget_sent');
    this.sent.push(...news);
    return news;
  }
}
