/** The emulated RP2040 behind the interface that the simulator has for chips. */
import type { Chip, ProgramState, Sound, Stop } from '../chip.ts';
import { bootRom } from './bootrom.ts';
import { chipFirmware, withProgram, type ChipFirmware, type ChipParts } from './firmware.ts';
import { Rp2040Board, type ResetCause } from './machine.ts';

const STATES = ['refused', 'running', 'ended', 'restart', 'reboot', 'panicked'] as const;
const MICROSECOND = 1000;
const MILLISECOND = 1_000_000;
/** Sound is asked for in blocks of so many milliseconds. */
const BLOCK_MS = 20;
/** Between two looks at what came out. */
const LOOK_NANOS = 100_000;

export interface Rp2040ChipOptions {
  /** 16 hexadecimal digits. */
  deviceId: string;
  seed: number;
  /** Flash content before power on; default: the firmware and nothing else. */
  flash?: Uint8Array;
  cause?: 'power on' | 'pin' | 'software' | 'watchdog';
  /** Runs while none is deployed. */
  program?: Uint8Array;
  staysStopped?: boolean;
  sound?: Sound;
  /** A .tflite; without, the firmware has no learner and no capture. */
  model?: string;
  /** With service delta. */
  takesDeltas?: boolean;
  /** An owner that is built in. */
  trust?: ChipParts['trust'];
}

export class Rp2040Chip implements Chip {
  stop?: Stop;
  private out: Uint8Array[] = [];
  private readonly lines: string[] = [];
  private block: Int16Array = new Int16Array();
  private position = 0;
  private blockSamples = 160;

  static async create(options: Rp2040ChipOptions): Promise<Rp2040Chip> {
    const firmware = await chipFirmware(options);
    return new Rp2040Chip(options, firmware, await bootRom());
  }

  readonly machine: Rp2040Board;

  private constructor(
    options: Rp2040ChipOptions,
    private readonly built: ChipFirmware,
    rom: Uint32Array,
  ) {
    const cause = options.cause ?? 'power on';
    this.machine = new Rp2040Board({
      rom,
      image: withProgram(built, options.program, options.staysStopped === true),
      flash: options.flash,
      flashBytes: built.board.flashBytes,
      id: Buffer.from(options.deviceId, 'hex').readBigUInt64LE(),
      seed: options.seed,
      cause: cause === 'power on' ? 'power' : cause,
    });
    this.connect(options.sound);
  }

  private connect(sound: Sound | undefined): void {
    const { machine } = this;
    machine.onReset = (cause) => this.onReset(cause);
    machine.onUsb = (bytes) => this.out.push(bytes);
    machine.usb.onConfigured = () => machine.usb.setOpen(true);
    machine.hook(this.addressOf('rt_bus_log'), ([level = 0, text = 0, size = 0]) =>
      this.log(String.fromCharCode(level), machine.read(text, size)),
    );
    machine.onAdcStream = (nanos) => {
      const rate = Math.round(1e9 / nanos);
      this.blockSamples = (rate * BLOCK_MS) / 1000;
      this.block = new Int16Array();
      this.position = 0;
      sound?.begin(this.now, rate);
    };
    machine.onAdc = () => this.convert(sound);
  }

  private log(level: string, bytes: Uint8Array): void {
    const text = Buffer.from(bytes).toString('utf8').replace(/\n$/, '');
    for (const line of text.split('\n')) this.lines.push(`${level} ${line}`);
  }

  private convert(sound: Sound | undefined): number {
    if (sound === undefined || !this.isListening) return 2048;
    if (this.position >= this.block.length) {
      this.block = sound.next(this.blockSamples);
      this.position = 0;
    }
    return ((this.block[this.position++] ?? 0) >> 4) + 2048;
  }

  private onReset(cause: ResetCause): boolean {
    this.stop = cause === 'watchdog' ? 'watchdog' : 'reset';
    return false;
  }

  /** Of a function or variable of the firmware. */
  addressOf(name: string): number {
    const symbol = this.built.firmware.symbols.get(name);
    if (symbol === undefined) throw new Error(`the firmware has no ${name}`);
    return symbol.address;
  }

  get now(): number {
    return this.machine.nanos / MILLISECOND;
  }

  get flash(): Uint8Array {
    return this.machine.flashContent();
  }

  get cycles(): number {
    return this.machine.cycles;
  }

  get isListening(): boolean {
    return (this.machine.chip.adc.cs & 8) !== 0;
  }

  get program(): ProgramState {
    const state = STATES[this.machine.call(this.addressOf('rt_vm_state'))] ?? 'refused';
    return { state, panic: this.machine.call(this.addressOf('rt_vm_panic_code')) };
  }

  advance(limit: number): void {
    const end = Math.round(limit * MILLISECOND);
    while (this.stop === undefined && this.machine.nanos < end) {
      this.machine.run(Math.min(LOOK_NANOS, end - this.machine.nanos));
      if (this.out.length > 0 || this.lines.length > 0) return;
    }
  }

  take(): Uint8Array {
    const bytes = Buffer.concat(this.out);
    this.out = [];
    return bytes;
  }

  takeConsole(): string[] {
    return this.lines.splice(0);
  }

  receive(bytes: Uint8Array): void {
    this.machine.usb.send(bytes);
  }

  setPin(pin: number, level: 0 | 1): void {
    this.machine.setPin(pin, level === 1);
  }

  outputOf(pin: number): number {
    return this.machine.duty(pin);
  }

  setBattery(charge: number, millivolts: number, milliwattHours: number): void {
    const words = [Math.round(charge * 65535), millivolts, milliwattHours];
    const address = this.built.firmware.symbols.get('rt_power_set')?.address;
    if (address === undefined) return;
    // As a fuel gauge would: the firmware is past its start-up by then.
    while (this.now < 100 && this.stop === undefined) this.machine.run(100 * MICROSECOND);
    this.machine.call(address, ...words);
  }
}
