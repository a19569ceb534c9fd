import { RetuneError } from '../cli/error.ts';
import { VirtualClock } from './clock.ts';
import type { Program } from './compile.ts';
import type { Flash } from './machine.ts';
import { Microphone } from './microphone.ts';
import type { BoardEvents, PoweredBoard, PowerOn } from './powered-board.ts';
import { Battery, type Board, joulesOf } from './processor.ts';
import { Random } from './random.ts';

export interface WorldOptions {
  board: Board;
  /** Without an image no script runs. */
  program: Pick<Program, 'services'> & Partial<Program>;
  /** What the board is made of: see targets.ts. */
  powerOn: PowerOn;
  seed: number;
  /** Samples a second. */
  rate: number;
  /** Battery charge at the start, 0..1. */
  charge: number;
  events: Omit<BoardEvents, 'onPanic' | 'onBrightness'>;
  /** The program panicked; default: the run fails with its last lines. */
  onPanic?: (code: number) => void;
  /** Sixteen hexadecimal digits. */
  deviceId?: string;
  /** What survives a power cycle; default: erased. */
  flash?: Flash;
  /** Takes the frames that leave the board. */
  onFrame?: (frame: Uint8Array) => void;
  /** Default: one without faults, in a silent room. */
  microphone?: Microphone;
}

const LOG_LINES = 12;
const BOARD_SEED = 0x5eed;

/** A board, what is around it, and the time in which both live. */
export class World {
  readonly clock = new VirtualClock();
  readonly microphone: Microphone;
  readonly flash: Flash;
  /** Of the people. */
  readonly random: Random;
  /** Of the board: what it draws must not change what is said. */
  private readonly boardRandom: Random;
  readonly battery: Battery;
  /** 0..1 */
  brightness = 0;
  private powered?: PoweredBoard;
  private cyclesBefore = 0;
  private failure?: RetuneError;
  private readonly lastLines: string[] = [];

  constructor(private readonly options: WorldOptions) {
    this.flash = options.flash ?? { slots: new Map() };
    this.microphone = options.microphone ?? new Microphone(options.rate);
    this.random = new Random(options.seed);
    this.boardRandom = new Random(options.seed + BOARD_SEED);
    this.battery = new Battery(options.board, options.charge);
  }

  get board(): PoweredBoard {
    if (this.powered === undefined) throw new Error('the board has no power');
    return this.powered;
  }

  /** Joules of features, inference and training since the beginning. */
  get joules(): number {
    const cycles = this.cyclesBefore + (this.powered?.cycles ?? 0);
    return joulesOf(cycles, this.options.board);
  }

  /** Switches the power on; the first time the program is written to flash. */
  async powerOn(): Promise<void> {
    const { board, program, powerOn, events, onFrame, deviceId } = this.options;
    this.powered = await powerOn({
      board,
      program,
      onFrame,
      deviceId,
      clock: this.clock,
      flash: this.flash,
      battery: this.battery,
      microphone: this.microphone,
      random: this.boardRandom,
      events: {
        ...events,
        onLog: (level, text) => this.onLog(level, text),
        onPanic: (code) => this.onPanic(code),
        onBrightness: (value) => {
          this.brightness = value;
        },
      },
    });
  }

  powerOff(): void {
    this.cyclesBefore += this.board.cycles;
    this.brightness = 0;
    this.board.powerOff();
    this.powered = undefined;
  }

  /** Lets time pass up to the next thing that happens, or to `limit` (milliseconds). */
  async step(limit: number): Promise<void> {
    await this.board.step(limit);
    if (this.failure !== undefined) throw this.failure;
  }

  private onLog(level: string, text: string): void {
    if (level !== ' ') {
      this.lastLines.push(text);
      if (this.lastLines.length > LOG_LINES) this.lastLines.shift();
    }
    this.options.events.onLog(level, text);
  }

  /** Code 0 is a restart that the script asked for. */
  private onPanic(code: number): void {
    if (code === 0) return;
    if (this.options.onPanic !== undefined) return this.options.onPanic(code);
    const log = this.lastLines.join('\n  ');
    this.failure ??= new RetuneError(
      `the script stopped with panic ${code}; its last lines were\n  ${log}`,
    );
  }
}
