import type { VirtualClock } from './clock.ts';
import type { Program } from './compile.ts';
import type { Values } from './endpoint.ts';
import type { Prediction } from './learner.ts';
import type { Flash } from './machine.ts';
import type { Microphone, Utterance } from './microphone.ts';
import type { Battery, Board } from './processor.ts';
import type { Random } from './random.ts';

/** A window that the board has cut, as the world knows it. */
export interface HeardWindow {
  /** 1 for the first since boot. */
  number: number;
  /** dB below full scale, -96 to 0. */
  level: number;
  /** What was really said; for the story, not for the board. */
  truth?: Utterance;
}

/** What happens on the board, for whoever watches. */
export interface BoardEvents {
  onLog: (level: string, text: string) => void;
  /** The program stopped; code 0 when it ended or restarts on purpose. */
  onPanic: (code: number) => void;
  onPrediction: (prediction: Prediction, window: HeardWindow) => void;
  /** Reports and events of the learner, by name; with a report, the command's fields. */
  onTraffic: (name: string, values: Values, command?: Values) => void;
  onBrightness: (brightness: number) => void;
}

/** What is around a board when it is switched on, on every target. */
export interface Surroundings {
  board: Board;
  clock: VirtualClock;
  /** Without an image nothing runs but the services. */
  program: Pick<Program, 'services'> & Partial<Program>;
  flash: Flash;
  battery: Battery;
  microphone: Microphone;
  /** Of the board alone. */
  random: Random;
  /** Sixteen hexadecimal digits; default: always the same. */
  deviceId?: string;
  /** Takes the frames that leave the board. */
  onFrame?: (frame: Uint8Array) => void;
  events: BoardEvents;
}

/** One power cycle of a board, whatever it is made of. */
export interface PoweredBoard {
  /** Cycles of features, inference and training since power on. */
  readonly cycles: number;
  /** Of the LED, 0 to 1. */
  readonly brightness: number;
  /** Lets time pass up to the next thing that happens, or to `limit` (milliseconds of the clock). */
  step: (limit: number) => Promise<void>;
  /** Presses the button for a while (milliseconds). */
  press: (duration: number) => void;
  /** A frame from outside. */
  receive: (frame: Uint8Array) => void;
  /** Brings `flash` of the surroundings up to date; `powerOff` does it as well. */
  syncFlash: () => void;
  powerOff: () => void;
}

/** Switches a board on. */
export type PowerOn = (surroundings: Surroundings) => Promise<PoweredBoard>;
