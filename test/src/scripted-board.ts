import { SimulatedBoard } from '../../sim/board.ts';
import { VirtualClock } from '../../sim/clock.ts';
import type { Program } from '../../sim/compile.ts';
import type { Flash } from '../../sim/machine.ts';
import { Microphone } from '../../sim/microphone.ts';
import { Battery, loadBoard } from '../../sim/processor.ts';
import { Random } from '../support/random.ts';
import { ScriptedEngine, wordPcm, type Script } from './scripted-engine.ts';

export interface ScriptedBoardOptions {
  program: Program;
  script: Script;
  flash?: Flash;
  /** Charge of the battery at the start, 0..1. */
  charge?: number;
  /** A line that the program printed. */
  onLine: (text: string) => void;
  onPrediction?: () => void;
  onTraffic?: (name: string, status: unknown) => void;
}

/** The simulator's board, on the official VM and in virtual time, with a scripted engine. */
export class ScriptedBoard {
  readonly clock = new VirtualClock();
  readonly engine: ScriptedEngine;
  readonly random = new Random(3);
  private readonly microphone: Microphone;
  private board!: SimulatedBoard;

  private constructor(private readonly options: ScriptedBoardOptions) {
    this.engine = new ScriptedEngine(options.script);
    this.microphone = new Microphone(this.engine.sampleRate);
  }

  static async boot(options: ScriptedBoardOptions): Promise<ScriptedBoard> {
    const scripted = new ScriptedBoard(options);
    await scripted.powerOn();
    return scripted;
  }

  private async powerOn(): Promise<void> {
    const { program, flash = { slots: new Map() }, charge = 1, ...events } = this.options;
    const board = loadBoard();
    this.board = await SimulatedBoard.create({
      board,
      clock: this.clock,
      services: program.services,
      flash,
      battery: new Battery(board, charge),
      microphone: this.microphone,
      createEngine: async () => this.engine,
      randomBytes: (count) => this.random.bytes(count),
      events: {
        onLog: (_, text) => events.onLine(text),
        onPanic: (code) => events.onLine(`panic ${code}`),
        onPrediction: () => events.onPrediction?.(),
        onTraffic: (name, values) => events.onTraffic?.(name, values[0]),
        onBrightness: () => undefined,
      },
    });
    await this.board.boot(program);
  }

  /** Says a word a while from now, in ms. */
  say(label: number, stranger: boolean, after: number): void {
    const pcm = wordPcm(label, stranger);
    const word = this.engine.labels[label] as string;
    this.microphone.play({ at: this.clock.now + after, speaker: 'x', label: word, take: 0, pcm });
  }

  press(duration: number): void {
    this.board.press(duration);
  }

  /** Lets so much time pass, in ms. */
  async pass(time: number): Promise<void> {
    const end = this.clock.now + time;
    while (this.clock.now < end) await this.board.machine.step(end);
  }

  powerOff(): void {
    this.board.powerOff();
  }
}
