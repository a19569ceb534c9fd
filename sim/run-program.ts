import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { RetuneError } from '../cli/error.ts';
import type { Chip } from './chip.ts';
import { compileProgram, missingProgram } from './compile.ts';
import { BOARD_DEVICE } from './firmware-board.ts';
import { placeLearner } from './learner-setup.ts';
import { consoleLine, LinkReader } from './link.ts';
import { DEFAULT_MODEL } from './model-engine.ts';
import { WasmChip } from './wasm-chip.ts';

export const RUN_TARGETS = ['wasm', 'host', 'rp2040'] as const;
export type RunTarget = (typeof RUN_TARGETS)[number];

export interface RunOptions {
  /** Default: wasm. */
  target?: RunTarget;
  /** Asks for a restart at the end of the program, which ends the run; time does not wait. */
  test?: boolean;
  /** Virtual seconds after which a test has failed; default 300. */
  timeout?: number;
  seed?: number;
  /** Takes the console, line by line; default: stdout. */
  print?: (line: string) => void;
  signal?: AbortSignal;
}

const DEFAULT_TIMEOUT_S = 300;
/** Stretch of virtual time between two looks at the wall clock. */
const PACE_MS = 20;
/** Class of the learner service, as it stands in an image that uses it. */
const LEARNER_CLASS = [0x3a, 0x7c, 0x5d, 0x1b];

/** Runs any DeviceScript program on our VM. Settles when it has ended; throws when it panics. */
export async function runProgram(file: string, options: RunOptions = {}): Promise<void> {
  const image = await readProgram(file, options.test === true);
  const { target = 'wasm' } = options;
  if (target === 'host') {
    const { runOnHost } = await import('./run-host.ts');
    return runOnHost(image, file, options, options.timeout ?? DEFAULT_TIMEOUT_S);
  }
  const chip = await createChip(target, image, options.seed ?? 1);
  await runOnChip(chip, file, options);
}

/** A .ts is compiled, anything else is taken as an image. */
async function readProgram(file: string, restarts: boolean): Promise<Uint8Array> {
  if (!existsSync(file)) throw missingProgram(file);
  if (file.endsWith('.ts')) return (await compileProgram(file, { restarts })).image;
  return new Uint8Array(readFileSync(file));
}

async function createChip(target: RunTarget, program: Uint8Array, seed: number): Promise<Chip> {
  const usesLearner = Buffer.from(program).includes(Buffer.from(LEARNER_CLASS));
  const model = usesLearner ? DEFAULT_MODEL : undefined;
  const options = { deviceId: BOARD_DEVICE, staysStopped: true, seed, program };
  if (target === 'rp2040') {
    const { Rp2040Chip } = await import('./rp2040/chip.ts');
    return Rp2040Chip.create({ ...options, model });
  }
  const prepare = model === undefined ? undefined : placeLearner(model);
  return new WasmChip({ ...options, prepare });
}

async function runOnChip(chip: Chip, file: string, options: RunOptions): Promise<void> {
  const print = options.print ?? ((line) => void process.stdout.write(`${line}\n`));
  const onLine = (line: string): void => {
    const { level, text } = consoleLine(line);
    if (level !== ' ') print(`${level} ${text}`);
  };
  const reader = new LinkReader({
    onFrame: () => undefined,
    onText: (line) => {
      if (chip.takeConsole === undefined) onLine(line);
    },
  });
  const limit = options.test === true ? 1000 * (options.timeout ?? DEFAULT_TIMEOUT_S) : Infinity;
  const speed = options.test === true ? Infinity : 1;
  const begun = performance.now();
  while (chip.stop === undefined && chip.now < limit && options.signal?.aborted !== true) {
    chip.advance(Math.min(limit, chip.now + PACE_MS));
    reader.feed(chip.take());
    chip.takeConsole?.().forEach(onLine);
    const { state, panic } = chip.program;
    if (state === 'panicked') throw new RetuneError(`${file}: panic ${panic}`);
    if (state === 'refused') throw new RetuneError(`${file}: no program that the VM can run`);
    if (state !== 'running') return;
    const ahead = chip.now / speed - (performance.now() - begun);
    if (ahead > 1) await wait(ahead);
  }
  if (options.signal?.aborted === true || chip.stop === 'reset') return;
  if (chip.stop !== undefined)
    throw new RetuneError(`${file}: the board has stopped: ${chip.stop}`);
  throw new RetuneError(
    `${file}: has not ended after ${limit / 1000} s; --timeout gives it longer`,
  );
}
