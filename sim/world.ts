import { RetuneError } from '../cli/error.ts';
import { type BoardEvents, SimulatedBoard } from './board.ts';
import { VirtualClock } from './clock.ts';
import type { Program } from './compile.ts';
import type { LearningEngine, Method } from './learning-engine.ts';
import type { Flash } from './machine.ts';
import { Microphone } from './microphone.ts';
import { Battery, type Board, joulesOf } from './processor.ts';
import { Random } from './random.ts';

export type CreateEngine = (method?: Method, rank?: number) => Promise<LearningEngine>;

export interface WorldOptions {
  board: Board;
  /** Without an image no VM is started. */
  program: Pick<Program, 'services'> & Partial<Program>;
  createEngine: CreateEngine;
  seed: number;
  /** Samples a second. */
  rate: number;
  /** Battery charge at the start, 0..1. */
  charge: number;
  events: Omit<BoardEvents, 'onPanic' | 'onBrightness'>;
  /** Takes the frames that leave the board when no VM is beside it. */
  onFrame?: (frame: Uint8Array) => void;
}

const LOG_LINES = 12;

/** A board, what is around it, and the time in which both live. */
export class World {
  readonly clock = new VirtualClock();
  readonly microphone: Microphone;
  readonly flash: Flash = { slots: new Map() };
  readonly random: Random;
  readonly battery: Battery;
  /** 0..1 */
  brightness = 0;
  private powered?: SimulatedBoard;
  private cyclesBefore = 0;
  private failure?: RetuneError;
  private readonly lastLines: string[] = [];

  constructor(private readonly options: WorldOptions) {
    this.microphone = new Microphone(options.rate);
    this.random = new Random(options.seed);
    this.battery = new Battery(options.board, options.charge);
  }

  get board(): SimulatedBoard {
    if (this.powered === undefined) throw new Error('the board has no power');
    return this.powered;
  }

  /** Joules of features, inference and training since the beginning. */
  get joules(): number {
    const cycles = this.cyclesBefore + (this.powered?.processor.cycles ?? 0);
    return joulesOf(cycles, this.options.board);
  }

  /** Switches the power on; the first time the program is written to flash. */
  async powerOn(): Promise<void> {
    const { board, program, createEngine, events, onFrame } = this.options;
    this.powered = await SimulatedBoard.create({
      board,
      createEngine,
      onFrame,
      services: program.services,
      clock: this.clock,
      flash: this.flash,
      battery: this.battery,
      microphone: this.microphone,
      randomBytes: (count) => this.random.bytes(count),
      events: {
        ...events,
        onLog: (level, text) => this.onLog(level, text),
        onPanic: (code) => this.onPanic(code),
        onBrightness: (value) => {
          this.brightness = value;
        },
      },
    });
    const { image, services } = program;
    if (image === undefined) this.powered.machine.bus.start();
    else await this.powered.boot(this.flash.vm === undefined ? { image, services } : undefined);
  }

  powerOff(): void {
    this.cyclesBefore += this.board.processor.cycles;
    this.brightness = 0;
    this.board.powerOff();
    this.powered = undefined;
  }

  /** Lets time pass up to the next thing that happens, or to `limit` (milliseconds). */
  async step(limit: number): Promise<void> {
    await this.board.machine.step(limit);
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
    const log = this.lastLines.join('\n  ');
    this.failure ??= new RetuneError(
      `the script stopped with panic ${code}; its last lines were\n  ${log}`,
    );
  }
}
