import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { RetuneError } from '../cli/error.ts';
import { batterySchema, powerSchema } from '../compiler/board.ts';
import { computingJoules, type EnergyBoard, wattsOf } from '../compiler/energy.ts';
import type { ClockGroup } from './clock.ts';
import { projectRoot } from './compile.ts';

/** The part of boards/NAME.board.json that is ours. */
const boardSchema = z.object({
  devName: z.string(),
  pins: z.record(z.string(), z.number()),
  retune: z.object({
    /** Pins by what is soldered to them. */
    roles: z.object({ microphone: z.string(), button: z.string(), led: z.string() }),
    clockHz: z.number().int().positive(),
    ramBytes: z.number().int().positive(),
    flashBytes: z.number().int().positive(),
    power: powerSchema.required({ listeningMilliamps: true }),
    battery: batterySchema,
  }),
});

export type Board = z.infer<typeof boardSchema>;

const DEFAULT_BOARD = 'rp2040_pico';

export function loadBoard(name = DEFAULT_BOARD): Board {
  const file = join(projectRoot, 'boards', `${name}.board.json`);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new RetuneError(`${file}: no such file; name a board that lies in boards/`);
  }
  const parsed = boardSchema.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new RetuneError(`${file}: ${issue?.path.join('.')}: ${issue?.message}; mend this entry`);
}

/** The chip's number of the pin that something is soldered to. */
export function pinOf(board: Board, role: keyof Board['retune']['roles']): number {
  const name = board.retune.roles[role];
  return board.pins[name] ?? Number(name.replace(/^\D+/, ''));
}

interface Job {
  /** Does the work at once and returns the processor cycles that the board would need for it. */
  start: () => number;
  /** Called when those cycles have passed. */
  finish: () => void;
}

/** One core: does one job after another, urgent ones first, and each takes its time. */
export class Processor {
  /** Cycles spent since boot. */
  cycles = 0;
  private readonly urgent: Job[] = [];
  private readonly background: Job[] = [];
  private busy = false;

  constructor(
    private readonly timers: ClockGroup,
    private readonly clockHz: number,
  ) {}

  /** Queues a job; background jobs wait while an urgent one is there. */
  run(job: Job, priority: 'urgent' | 'background'): void {
    (priority === 'urgent' ? this.urgent : this.background).push(job);
    if (!this.busy) this.next();
  }

  get isBusy(): boolean {
    return this.busy;
  }

  private next(): void {
    const job = this.urgent.shift() ?? this.background.shift();
    this.busy = job !== undefined;
    if (job === undefined) return;
    const cycles = job.start();
    this.cycles += cycles;
    this.timers.setTimeout(
      () => {
        job.finish();
        this.next();
      },
      (cycles * 1000) / this.clockHz,
    );
  }
}

/**
 * Charge of the battery, from what the processor and the converter have used and the regulator has
 * lost. Self-discharge does not show in the hours that a simulation lasts.
 */
export class Battery {
  private usedJoules = 0;
  private accountedMs = 0;
  private accountedCycles = 0;

  /** @param charge fraction, 0..1, at the start */
  constructor(
    private readonly board: Board,
    private initialCharge: number,
  ) {}

  /** Somebody charges it, to this fraction, 0..1. */
  recharge(charge: number): void {
    this.initialCharge = charge;
    this.usedJoules = 0;
  }

  /** Accounts for the time up to `nowMs`. */
  account(nowMs: number, cycles: number, isListening: boolean): void {
    const { clockHz, power } = this.board.retune;
    const seconds = (nowMs - this.accountedMs) / 1000;
    const computing = Math.min(seconds, (cycles - this.accountedCycles) / clockHz);
    this.usedJoules +=
      computing * wattsOf(power, 'active') +
      (seconds - computing) * wattsOf(power, isListening ? 'listening' : 'sleep');
    this.accountedMs = nowMs;
    this.accountedCycles = cycles;
  }

  /** A new power cycle counts cycles from 0 again. */
  rebooted(): void {
    this.accountedCycles = 0;
  }

  get capacity(): number {
    return this.board.retune.battery.milliwattHours;
  }

  /** Falls in a straight line from full to empty. */
  get millivolts(): number {
    const { voltsFull, voltsEmpty } = this.board.retune.battery;
    return Math.round(1000 * (voltsEmpty + (voltsFull - voltsEmpty) * this.charge));
  }

  /** 0..1 */
  get charge(): number {
    const capacityJoules = this.capacity * 3.6;
    const taken = this.usedJoules / this.board.retune.power.regulatorEfficiency;
    return Math.max(0, this.initialCharge - taken / capacityJoules);
  }
}

/** Joules that a core takes while it computes for so many cycles. */
export function joulesOf(cycles: number, board: Board): number {
  return computingJoules(energyBoard(board), cycles);
}

/** For energyReport. */
export function energyBoard({ retune }: Board): EnergyBoard {
  return { clockHz: retune.clockHz, power: retune.power, battery: retune.battery };
}
