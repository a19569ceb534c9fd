import type { Chip, ProgramState, Sound, Stop } from './chip.ts';
import { BLOCK_MS } from './microphone.ts';
import { Firmware, statusText } from './firmware.ts';

/** rt_sim_stop_t of native/hal/sim/machine.h. */
const STOPS: (Stop | undefined)[] = [undefined, 'reset', 'halted', 'power cut', 'watchdog'];
/** rt_vm_state_t of native/vm/vm.h. */
const STATES = ['refused', 'running', 'ended', 'restart', 'reboot', 'panicked'] as const;
const RESET_CAUSE = { 'power on': 0, pin: 1, software: 2, watchdog: 3 } as const;
/** The link that the computer listens on: rt_hal_link_t. */
const USB = 0;
/** RT_SIM_CONSOLE */
const CONSOLE = 2;
const FLASH_BYTES = 0x200000;
const PROGRAM_BYTES = 0x40000;
const BUFFER_BYTES = 65536;

export interface WasmChipOptions {
  /** 16 hexadecimal digits. */
  deviceId: string;
  seed: number;
  /** Flash content before power on; default: erased. */
  flash?: Uint8Array;
  cause?: keyof typeof RESET_CAUSE;
  /** Runs while none is deployed. */
  program?: Uint8Array;
  /** When the program ends by itself: stop, as a test wants it, instead of starting it again. */
  staysStopped?: boolean;
  heapBytes?: number;
  sound?: Sound;
  /** Called between power on and start, to put a model in place for example. */
  prepare?: (firmware: Firmware) => void;
}

/** The firmware as WebAssembly: a power cycle of a board in virtual time. */
export class WasmChip implements Chip {
  readonly firmware = new Firmware();
  stop?: Stop;
  private readonly buffer: number;
  private readonly sound?: Sound;
  /** Milliseconds since power on; the firmware's own time is the same or a little further. */
  private time = 0;
  /** When the firmware wants to run again. */
  private due = 0;
  private heard = { starts: 0, begin: 0, rate: 0, samples: 0 };
  private hasInput = true;

  constructor(options: WasmChipOptions) {
    const { firmware } = this;
    this.sound = options.sound;
    const [low, high] = words(options.deviceId);
    firmware.call(
      'rt_sim_power_on',
      options.seed,
      low,
      high,
      RESET_CAUSE[options.cause ?? 'power on'],
    );
    if (options.heapBytes !== undefined) {
      firmware.call('rt_sim_set_heap_bytes', options.heapBytes);
    }
    if (options.flash !== undefined) this.flash.set(options.flash);
    this.buffer = firmware.allocate(BUFFER_BYTES);
    options.prepare?.(firmware);
    this.start(options.program, options.staysStopped === true);
  }

  private start(program: Uint8Array | undefined, staysStopped: boolean): void {
    const { firmware } = this;
    if (program !== undefined) {
      if (program.length > PROGRAM_BYTES) {
        throw new RangeError(`a program of ${program.length} bytes; ${PROGRAM_BYTES} have room`);
      }
      firmware.u8(firmware.call('rt_sim_program'), program.length).set(program);
    }
    firmware.call('rt_sim_link_open', USB, 1);
    let status = 0;
    const stopped = this.guard(() => {
      status = firmware.call('rt_sim_start', program?.length ?? 0, staysStopped ? 1 : 0);
    });
    if (!stopped && status < 0)
      throw new Error(`the firmware does not start: ${statusText(status)}`);
  }

  get now(): number {
    return this.time;
  }

  get flash(): Uint8Array {
    return this.firmware.u8(this.firmware.call('rt_sim_flash'), FLASH_BYTES);
  }

  get cycles(): number {
    return this.firmware.call('rt_sim_spent_cycles');
  }

  get isListening(): boolean {
    return this.firmware.call('rt_sim_audio_rate_hz') !== 0;
  }

  get program(): ProgramState {
    const state = STATES[this.firmware.call('rt_vm_state')] ?? 'refused';
    return { state, panic: this.firmware.call('rt_vm_panic_code') };
  }

  advance(limit: number): void {
    while (this.stop === undefined) {
      const next = this.hasInput ? this.time : Math.min(this.due, this.nextBlock());
      if (next > limit) {
        this.time = Math.max(this.time, limit);
        return;
      }
      this.time = Math.max(this.time, next);
      this.poll();
      if (this.pendingAt(USB) > 0 || this.pendingAt(CONSOLE) > 0) return;
    }
    this.time = Math.max(this.time, limit);
  }

  take(): Uint8Array {
    return this.takeFrom(USB);
  }

  takeConsole(): string[] {
    if (this.pendingAt(CONSOLE) === 0) return [];
    return Buffer.from(this.takeFrom(CONSOLE)).toString('utf8').split('\n').slice(0, -1);
  }

  private takeFrom(link: number): Uint8Array {
    const pieces: Uint8Array[] = [];
    while (this.pendingAt(link) > 0) {
      const count = this.firmware.call('rt_sim_link_take', link, this.buffer, BUFFER_BYTES);
      pieces.push(this.firmware.u8(this.buffer, count).slice());
    }
    return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces);
  }

  receive(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += BUFFER_BYTES) {
      const piece = bytes.subarray(at, at + BUFFER_BYTES);
      this.firmware.u8(this.buffer, piece.length).set(piece);
      const count = this.firmware.call('rt_sim_link_receive', USB, this.buffer, piece.length);
      this.hasInput = true;
      if (count < piece.length) return; // as on a wire: what does not fit is lost
    }
  }

  setPin(pin: number, level: 0 | 1): void {
    this.firmware.call('rt_sim_pin_input', pin, level);
    this.hasInput = true;
  }

  outputOf(pin: number): number {
    return this.firmware.call('rt_sim_pin_output', pin) / 65535;
  }

  setBattery(charge: number, millivolts: number, milliwattHours: number): void {
    this.firmware.call('rt_power_set', Math.round(charge * 65535), millivolts, milliwattHours);
  }

  private pendingAt(link: number): number {
    return this.firmware.call('rt_sim_link_pending', link);
  }

  private poll(): void {
    this.hasInput = false;
    this.feed();
    this.guard(() => {
      this.due = this.firmware.call('rt_sim_poll', this.time * 1000) / 1000;
    });
    this.time = Math.max(this.time, this.firmware.call('rt_sim_now_us') / 1000);
    this.noteConverter();
  }

  /** A board that resets or halts traps. @returns whether it did */
  private guard(run: () => void): boolean {
    try {
      run();
      return false;
    } catch (error) {
      this.stop = STOPS[this.firmware.call('rt_sim_stopped')];
      if (this.stop === undefined || !(error instanceof WebAssembly.RuntimeError)) throw error;
      return true;
    }
  }

  /** Notices that the firmware has switched the converter on or off. */
  private noteConverter(): void {
    const rate = this.firmware.call('rt_sim_audio_rate_hz');
    const starts = this.firmware.call('rt_sim_audio_starts');
    if (rate !== 0 && starts !== this.heard.starts) {
      const begin = this.firmware.call('rt_sim_audio_start_us') / 1000;
      this.heard = { starts, begin, rate, samples: 0 };
      this.sound?.begin(begin, rate);
    } else if (rate === 0) this.heard.rate = 0;
  }

  /** When the next block of sound is complete. */
  private nextBlock(): number {
    const { begin, rate, samples } = this.heard;
    if (rate === 0) return Infinity;
    return begin + (samples * 1000) / rate + BLOCK_MS;
  }

  private feed(): void {
    const { rate } = this.heard;
    if (rate === 0) return;
    const block = (rate * BLOCK_MS) / 1000;
    const mostBlocks = BUFFER_BYTES / 2 / block;
    let blocks = Math.floor((this.time - this.nextBlock()) / BLOCK_MS + 1 + TINY);
    for (; blocks > 0; blocks -= mostBlocks) {
      const count = Math.min(blocks, mostBlocks) * block;
      const samples = this.sound?.next(count) ?? new Int16Array(count);
      this.firmware.i16(this.buffer, samples.length).set(samples);
      this.firmware.call('rt_sim_audio_feed', this.buffer, samples.length);
      this.heard.samples += count; // a converter that delivers nothing keeps its time all the same
    }
  }
}

/** Rounding of milliseconds must not keep a block back. */
const TINY = 1e-6;

/** Low and high word of an identifier whose first digits are its lowest byte. */
function words(deviceId: string): [number, number] {
  const bytes = Buffer.from(deviceId, 'hex');
  if (bytes.length !== 8)
    throw new RangeError(`device id ${deviceId}: 16 hexadecimal digits wanted`);
  return [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
}
