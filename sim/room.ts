import { setTimeout as wait } from 'node:timers/promises';
import { engineFactory, DEFAULT_MODEL } from './model-engine.ts';
import { loadBoard } from './processor.ts';
import { checkSpeakers, listSpeakers, loadRecordings } from './recordings.ts';
import { Speaker } from './speaker.ts';
import { DEFAULT_TARGET, powerOnFor, type Target } from './targets.ts';
import { User } from './user.ts';
import { clock } from './view.ts';
import { World, type WorldOptions } from './world.ts';

export interface RoomOptions {
  /** Where the script runs; default: our firmware as WebAssembly. */
  target?: Target;
  /** A .tflite; default models/digits/digits.tflite. */
  model?: string;
  /** Folder of recordings that the microphone hears; default: silence. */
  data?: string;
  /** Who speaks; default: the first of the folder. */
  speaker?: string;
  /** Seed of everything random; default 1. */
  seed?: number;
}

interface CreateRoomOptions
  extends
    RoomOptions,
    Pick<WorldOptions, 'program' | 'onFrame' | 'onPanic' | 'deviceId' | 'flash'> {
  /** Takes the console, each line with its time. */
  print: (line: string) => void;
  /** Takes the console instead. */
  onLog?: (level: string, text: string) => void;
}

/** A board in a room where somebody may talk. */
export interface Room {
  world: World;
  /** Switches the board on; the speaker begins to talk, if there is one. */
  start: () => Promise<void>;
}

/** Stretch of virtual time between two looks at the wall clock. */
const PACE_MS = 20;

export async function createRoom(options: CreateRoomOptions): Promise<Room> {
  const { print } = options;
  const model = options.model ?? DEFAULT_MODEL;
  const createEngine = engineFactory(model);
  const target = options.target ?? DEFAULT_TARGET;
  const { labels, sampleRate: rate } = await createEngine();
  let user: User | undefined;
  const world: World = new World({
    board: loadBoard(),
    program: options.program,
    onFrame: options.onFrame,
    onPanic: options.onPanic,
    deviceId: options.deviceId,
    flash: options.flash,
    powerOn: powerOnFor({ target, model, createEngine }),
    seed: options.seed ?? 1,
    rate,
    charge: 1,
    events: {
      onLog: (level, text) => {
        if (options.onLog !== undefined) options.onLog(level, text);
        else if (level !== ' ') print(`${clock(world.clock.now / 1000)} ${level} ${text}`);
        const asked = /^ask word=(\S+)/.exec(text)?.[1];
        if (level === '>' && asked !== undefined) user?.onAsk(asked);
      },
      onPrediction: (prediction, window) =>
        user?.onPrediction(labels[prediction.label] ?? '', window),
      onTraffic: () => undefined,
    },
  });
  const speaker = chooseSpeaker(options, rate, labels, world);
  const start = async (): Promise<void> => {
    await world.powerOn();
    if (speaker === undefined) return;
    const press = (duration: number): void => world.board.press(duration);
    user = new User(world.clock.group(), world.microphone, world.random, press, speaker);
    user.start(3000);
  };
  return { world, start };
}

function chooseSpeaker(
  { data, speaker }: RoomOptions,
  rate: number,
  labels: readonly string[],
  { random }: World,
): Speaker | undefined {
  if (data === undefined) return undefined;
  const present = listSpeakers(data);
  const name = speaker ?? present[0] ?? '';
  checkSpeakers(data, [name], present);
  return new Speaker(name, loadRecordings(data, rate), labels, random, data);
}

/** Lets virtual time follow the wall clock. */
export async function keepTime(
  world: World,
  speed: number,
  end: number,
  signal: AbortSignal,
): Promise<void> {
  const begun = performance.now();
  while (world.clock.now < end && !signal.aborted) {
    await world.step(Math.min(end, world.clock.now + PACE_MS));
    const ahead = world.clock.now / speed - (performance.now() - begun);
    if (ahead > 1) await wait(ahead);
  }
}
