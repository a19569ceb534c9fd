import { join } from 'node:path';
import { SimulatedBoard } from '../../sim/board.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { compileProgram, type Program } from '../../sim/compile.ts';
import type { LearningEngine, Method } from '../../sim/learning-engine.ts';
import type { Flash } from '../../sim/machine.ts';
import { Microphone } from '../../sim/microphone.ts';
import { Battery, loadBoard } from '../../sim/processor.ts';
import { projectRoot } from '../support/data.ts';
import { Random } from '../support/random.ts';
import { FakeEngine } from './fake-engine.ts';

/** Half a second of a tone, loud enough to wake capture. */
export function tone(amplitude = 8000, samples = 4000): Int16Array {
  return Int16Array.from({ length: samples }, (_, n) => amplitude * Math.sin(0.5 * n));
}

const programs = new Map<string, Promise<Program>>();

function compiled(name: string): Promise<Program> {
  const known = programs.get(name) ?? compileProgram(join(projectRoot, 'test/sim/programs', name));
  programs.set(name, known);
  return known;
}

/** A board with a fake engine that runs one of the programs beside this file. */
export class Bench {
  readonly clock = new VirtualClock();
  readonly microphone = new Microphone(8000);
  readonly flash: Flash = { slots: new Map() };
  /** Lines that the script logged, oldest first. */
  readonly lines: string[] = [];
  readonly brightness: number[] = [];
  panic?: number;
  private readonly random = new Random(1);
  private readonly battery = new Battery(loadBoard(), 0.5);
  board!: SimulatedBoard;

  constructor(
    private readonly createEngine: (method?: Method, rank?: number) => Promise<LearningEngine> = (
      method,
      rank,
    ) => Promise.resolve(new FakeEngine(method, rank)),
  ) {}

  /** Compiles and boots a program of test/sim/programs; capture may be off until the script starts it. */
  async start(name: string, isListening = true): Promise<void> {
    const program = await compiled(name);
    await this.power(program.services);
    this.board.capture.endpoint.set('running', isListening);
    await this.board.boot(program);
  }

  private async power(
    services: Parameters<typeof SimulatedBoard.create>[0]['services'],
  ): Promise<void> {
    this.services = services;
    this.board = await SimulatedBoard.create({
      board: loadBoard(),
      clock: this.clock,
      services,
      flash: this.flash,
      battery: this.battery,
      microphone: this.microphone,
      createEngine: this.createEngine,
      randomBytes: (count) => Uint8Array.from({ length: count }, () => this.random.u32() & 255),
      events: {
        onLog: (level, text) => {
          if (level !== ' ') this.lines.push(text);
        },
        onPanic: (code) => {
          this.panic = code;
        },
        onPrediction: () => undefined,
        onTraffic: () => undefined,
        onBrightness: (value) => this.brightness.push(value),
      },
    });
  }

  private services: Parameters<typeof SimulatedBoard.create>[0]['services'] = [];

  /** Cuts the power and boots from flash. */
  async reboot(isListening = true): Promise<void> {
    this.board.powerOff();
    await this.power(this.services);
    this.board.capture.endpoint.set('running', isListening);
    await this.board.boot();
  }

  /** Runs until a line matches, or fails after `limit` milliseconds of virtual time. */
  async until(pattern: RegExp, limit = 60_000): Promise<string> {
    const end = this.clock.now + limit;
    let seen = 0;
    while (this.clock.now < end) {
      for (; seen < this.lines.length; seen++) {
        if (pattern.test(this.lines[seen] as string)) return this.lines[seen] as string;
      }
      await this.board.machine.step(end);
    }
    throw new Error(`no line matches ${pattern} within ${limit} ms:\n${this.lines.join('\n')}`);
  }

  async run(milliseconds: number): Promise<void> {
    const end = this.clock.now + milliseconds;
    while (this.clock.now < end) await this.board.machine.step(end);
  }
}
