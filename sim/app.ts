import { existsSync, watch } from 'node:fs';
import { dirname, join } from 'node:path';
import { RetuneError } from '../cli/error.ts';
import {
  compileScript,
  formatDiagnostic,
  missingProgram,
  type Program,
  projectRoot,
} from './compile.ts';
import { createRoom, keepTime, type RoomOptions } from './room.ts';

export interface SimOptions extends RoomOptions {
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

/** Editors save in several steps; the build waits until they are done. */
const SETTLE_MS = 150;

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

/** Runs a program until it has lasted long enough, or `changed` settles. */
async function runUntil(
  options: SimOptions,
  program: Program,
  print: (line: string) => void,
  changed: Promise<void>,
): Promise<void> {
  const { world, start } = await createRoom({ ...options, program, print });
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
