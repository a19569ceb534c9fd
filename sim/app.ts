import { existsSync, watch } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { RetuneError } from '../cli/error.ts';
import {
  compileScript,
  compileServices,
  formatDiagnostic,
  missingProgram,
  type Program,
  projectRoot,
} from './compile.ts';
import { HUB_PORT, HubConnection } from './hub.ts';
import { DEFAULT_MODEL, engineFactory } from './model-engine.ts';
import { loadBoard } from './processor.ts';
import { checkSpeakers, listSpeakers, loadRecordings } from './recordings.ts';
import { Speaker } from './speaker.ts';
import { User } from './user.ts';
import { clock } from './view.ts';
import { World, type WorldOptions } from './world.ts';
import { DEFAULT_TARGET, powerOnFor, type Target } from './targets.ts';

export interface SurroundingsOptions {
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

export interface SimOptions extends SurroundingsOptions {
  /** DeviceScript program. */
  app: string;
  /** Compiles and starts again whenever a source changes. */
  watch?: boolean;
  /** Virtual seconds a second; default 1, Infinity: as fast as it goes. */
  speed?: number;
  /** Ends after so many virtual seconds; default: never. */
  duration?: number;
  /** Takes the output, line by line; default: stdout. */
  print?: (line: string) => void;
  /** Ends the run. */
  signal?: AbortSignal;
}

export interface CheckOptions {
  watch?: boolean;
  print?: (line: string) => void;
  signal?: AbortSignal;
}

export interface ServeOptions extends SurroundingsOptions {
  /** TCP port of `devs devtools`; default 8082. */
  port?: number;
  print?: (line: string) => void;
  signal?: AbortSignal;
}

/** Editors save in several steps; the build waits until they are done. */
const SETTLE_MS = 150;
/** Stretch of virtual time between two looks at the wall clock. */
const PACE_MS = 20;

const toStdout = (line: string): void => void process.stdout.write(`${line}\n`);

/** Runs any script with the board's services beside it, in real time, and prints its log. */
export async function runSim(options: SimOptions): Promise<void> {
  const print = options.print ?? toStdout;
  const sources = options.watch === true ? new Sources(options.app, options.signal) : undefined;
  do {
    const changed = sources?.next() ?? abortion(options.signal);
    const program = await (sources === undefined ? build : rebuild)(options.app, print);
    if (program === undefined && sources === undefined) {
      throw new RetuneError(`${options.app}: does not compile; the errors are listed above`);
    }
    if (program !== undefined) await runUntil(options, program, print, changed);
    if (sources !== undefined) await changed;
  } while (sources !== undefined && options.signal?.aborted !== true);
}

/**
 * Compiles a script and prints its errors as `file(line,column): error CODE: text`, between a line
 * `checking …` and a line `checked …`. @returns whether there were none
 */
export async function runCheck(app: string, options: CheckOptions = {}): Promise<boolean> {
  const print = options.print ?? toStdout;
  const sources = options.watch === true ? new Sources(app, options.signal) : undefined;
  let fine = true;
  do {
    const changed = sources?.next();
    fine = (await (sources === undefined ? build : rebuild)(app, print)) !== undefined;
    await changed;
  } while (sources !== undefined && options.signal?.aborted !== true);
  return fine;
}

/** Joins the hub of `devs devtools` as a device with the board's services, in real time, for ever. */
export async function runServe(options: ServeOptions = {}): Promise<void> {
  const print = options.print ?? toStdout;
  const services = await compileServices();
  const port = options.port ?? HUB_PORT;
  const hub = new HubConnection({
    port,
    onFrame: (frame) => world.board.receive(frame),
    onState: (state) => {
      if (state === 'connected') print(`connected to the hub on port ${port}`);
      else print(`waiting for the hub on port ${port}; npx devs devtools starts one`);
    },
  });
  const surroundings = await createSurroundings(options, { services }, print, (frame) =>
    hub.send(frame),
  );
  const { world } = surroundings;
  await surroundings.start();
  try {
    await keepTime(world, 1, Infinity, options.signal ?? new AbortController().signal);
  } finally {
    hub.close();
    world.powerOff();
  }
}

async function build(app: string, print: (line: string) => void): Promise<Program | undefined> {
  print(`checking ${app}`);
  const { program, services = [], diagnostics } = await compileScript(app);
  for (const diagnostic of diagnostics) print(formatDiagnostic(diagnostic));
  const count = diagnostics.length;
  print(`checked ${app}: ${count === 0 ? 'no errors' : `${count} error${count > 1 ? 's' : ''}`}`);
  return program === undefined ? undefined : { image: program, services };
}

/** While somebody edits, a file may be away for a moment. */
async function rebuild(app: string, print: (line: string) => void): Promise<Program | undefined> {
  try {
    return await build(app, print);
  } catch (error) {
    if (!(error instanceof RetuneError)) throw error;
    print(error.message);
    print(`checked ${app}: 1 error`); // the editor waits for this line
    return undefined;
  }
}

interface Surroundings {
  world: World;
  /** Switches the board on; the speaker begins to talk, if there is one. */
  start: () => Promise<void>;
}

async function createSurroundings(
  options: SurroundingsOptions,
  program: WorldOptions['program'],
  print: (line: string) => void,
  onFrame?: (frame: Uint8Array) => void,
): Promise<Surroundings> {
  const model = options.model ?? DEFAULT_MODEL;
  const createEngine = engineFactory(model);
  const target = options.target ?? DEFAULT_TARGET;
  const { labels, sampleRate: rate } = await createEngine();
  let user: User | undefined;
  const world: World = new World({
    board: loadBoard(),
    program,
    powerOn: powerOnFor({ target, model, createEngine }),
    seed: options.seed ?? 1,
    rate,
    charge: 1,
    onFrame,
    events: {
      onLog: (level, text) => {
        if (level !== ' ') print(`${clock(world.clock.now / 1000)} ${level} ${text}`);
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
  { data, speaker }: SurroundingsOptions,
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

/** Runs a program until it has lasted long enough, or `changed` settles. */
async function runUntil(
  options: SimOptions,
  program: Program,
  print: (line: string) => void,
  changed: Promise<void>,
): Promise<void> {
  const { world, start } = await createSurroundings(options, program, print);
  const stop = new AbortController();
  void changed.then(() => stop.abort());
  await start();
  try {
    const end = (options.duration ?? Infinity) * 1000;
    await keepTime(world, options.speed ?? 1, end, stop.signal);
  } catch (error) {
    if (options.watch !== true || !(error instanceof RetuneError)) throw error;
    print(error.message);
  } finally {
    world.powerOff();
  }
}

/** Lets virtual time follow the wall clock. */
async function keepTime(
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

/** Settles when the run is to end; never without a signal. */
function abortion(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) resolve();
    signal?.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** The files that a build reads: the folder of the script with what is below it, and services/. */
class Sources {
  private waiting: (() => void)[] = [];
  private timer?: ReturnType<typeof setTimeout>;

  constructor(app: string, signal: AbortSignal | undefined) {
    if (!existsSync(app)) throw missingProgram(app);
    const folders = [dirname(app), join(projectRoot, 'services')];
    const watchers = folders.map((folder) =>
      watch(folder, { recursive: true }, () => this.onChange()),
    );
    const end = (): void => {
      for (const watcher of watchers) watcher.close();
      this.settle();
    };
    signal?.addEventListener('abort', end, { once: true });
  }

  /** Settles at the next change. */
  next(): Promise<void> {
    return new Promise((resolve) => void this.waiting.push(resolve));
  }

  private onChange(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.settle(), SETTLE_MS);
  }

  private settle(): void {
    clearTimeout(this.timer);
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}
