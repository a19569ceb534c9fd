import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from './abi.ts';
import {
  firstDifference,
  formatRun,
  goldenOf,
  imageFileOf,
  imageOf,
  programNames,
} from './corpus.ts';
import { compileSource } from './compiler.ts';
import { generateProgram } from './generate.ts';
import { runHost } from './host.ts';
import { runOfficial } from './official.ts';

/** What is wrong with one program, for people to read. */
export interface Failure {
  program: string;
  difference: string;
}

/** The sum of a run over many programs. */
export interface Outcome {
  runs: number;
  failures: Failure[];
}

const run = promisify(execFile);

async function attempt(program: string, check: () => Promise<string | undefined>, into: Outcome) {
  into.runs++;
  try {
    const difference = await check();
    if (difference !== undefined) into.failures.push({ program, difference });
  } catch (error) {
    into.failures.push({ program, difference: String((error as Error).message) });
  }
}

/** Runs programs with a host runner and compares with what the official VM printed. */
export async function compareWithGolden(
  runner: string,
  names = programNames(),
  options: string[] = [],
): Promise<Outcome> {
  const outcome: Outcome = { runs: 0, failures: [] };
  for (const name of names) {
    const check = async (): Promise<string | undefined> =>
      firstDifference(goldenOf(name) ?? '', await runHost(runner, imageFileOf(name), options));
    await attempt(name, check, outcome);
  }
  return outcome;
}

/** Runs programs on the official VM again and compares with what is kept. */
export async function checkGolden(names = programNames()): Promise<Outcome> {
  const outcome: Outcome = { runs: 0, failures: [] };
  for (const name of names) {
    const check = async (): Promise<string | undefined> =>
      firstDifference(goldenOf(name) ?? '', formatRun(await runOfficial(imageOf(name))));
    await attempt(name, check, outcome);
  }
  return outcome;
}

const OUT_OF_MEMORY = /= (panic 60004|refused)$/;

/**
 * Lets one allocation after the other fail. A program must then stop with the panic for that, having
 * printed nothing that it does not print otherwise, or not have needed the memory.
 */
export async function failAllocations(
  runner: string,
  names: string[],
  allocations: number[],
): Promise<Outcome> {
  const outcome: Outcome = { runs: 0, failures: [] };
  // A program may print errors of its own; those of the runtime are not in the official text.
  const spoken = (text: string): string[] =>
    text.split('\n').filter((line) => !line.startsWith('! '));
  for (const name of names) {
    const golden = goldenOf(name) ?? '';
    for (const nth of allocations) {
      const check = async (): Promise<string | undefined> => {
        const text = await runHost(runner, imageFileOf(name), ['--fail-at', String(nth)]);
        if (text === golden) return undefined;
        const lines = text.trimEnd().split('\n');
        const said = spoken(text.trimEnd()).slice(0, -1).join('\n');
        const isStart = spoken(golden).join('\n').startsWith(said);
        if (OUT_OF_MEMORY.test(lines.at(-1) ?? '') && isStart) return undefined;
        return firstDifference(golden, text);
      };
      await attempt(`${name}, allocation ${nth}`, check, outcome);
    }
  }
  return outcome;
}

/** Console output of the compiler while it compiles: it prints what it did not expect. */
function silently<T>(action: () => T): T {
  const { log, error, trace } = console;
  console.log = console.error = console.trace = () => undefined;
  try {
    return action();
  } finally {
    Object.assign(console, { log, error, trace });
  }
}

/** Compares programs of the generator on both VMs; those that do not compile count as failures. */
export async function compareRandom(runner: string, seeds: number[]): Promise<Outcome> {
  const outcome: Outcome = { runs: 0, failures: [] };
  const folder = join(root, 'build', 'vm-random');
  mkdirSync(folder, { recursive: true });
  for (const seed of seeds) {
    const check = async (): Promise<string | undefined> => {
      const source = generateProgram(seed);
      const { image } = silently(() => compileSource(source));
      const file = join(folder, `seed-${seed}.devs`);
      writeFileSync(file, image);
      writeFileSync(join(folder, `seed-${seed}.ts`), source);
      return firstDifference(formatRun(await runOfficial(image)), await runHost(runner, file));
    };
    await attempt(`seed ${seed}`, check, outcome);
  }
  return outcome;
}

/**
 * Damages images and runs what passes the check.
 *
 * @param fuzzer variant `fuzz` of tools/native/host-vm.mjs
 * @returns the fuzzer's summary
 * @throws Error with the sanitizer's report; the image is then at `saved`
 */
export async function fuzzImages(
  fuzzer: string,
  { seconds, seed }: { seconds: number; seed: number },
): Promise<string> {
  const saved = join(root, 'build', `fuzz-${seed}.devs`);
  const images = programNames().map(imageFileOf);
  const args = ['--seconds', String(seconds), '--seed', String(seed), '--save', saved, ...images];
  try {
    return (await run(fuzzer, args, { maxBuffer: 1 << 24 })).stdout.trim();
  } catch (error) {
    throw new Error(`seed ${seed}, image ${saved}: ${(error as Error).message}`);
  }
}
