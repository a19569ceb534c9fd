/**
 * All benchmarks. `retune bench` calls this; so does
 *
 *     npx tsx bench/main.ts [kernels|training|memory|vm|swap|all] [--target rp2040|rv32|wasm|host]
 *         [--json] [--check] [--write]
 *
 * `--check` fails when something is more than 2 % worse than bench/baseline.json, `--write` puts the
 * figures there and into docs/performance.md.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { RetuneError } from '../cli/error.ts';
import { compare, merged, readBaseline, writeBaseline } from './baseline.ts';
import { benchFeatures } from './features.ts';
import { benchKernels } from './kernels.ts';
import { benchMemory } from './memory.ts';
import { writePerformancePage } from './page.ts';
import { benchPower } from './power.ts';
import { rowTable } from './report.ts';
import { TARGETS, type BenchRow, type Target } from './rows.ts';
import { benchSwap } from './swap.ts';
import { benchTraining } from './training.ts';
import { benchVmRows } from './vm-rows.ts';

export { benchKernels } from './kernels.ts';
export { benchMemory } from './memory.ts';
export { benchTraining } from './training.ts';
export type { BenchRow, Target } from './rows.ts';

export const SUITES = ['kernels', 'training', 'memory', 'vm', 'swap', 'all'] as const;
export type Suite = (typeof SUITES)[number];

/** Kernels, training, memory and, on the RP2040, power and the virtual machine. */
export async function benchAll({ target = 'rp2040' }: { target?: Target } = {}): Promise<
  BenchRow[]
> {
  const kernels = [...(await benchKernels({ target })), ...(await benchFeatures({ target }))];
  const training = await benchTraining({ target });
  const power = target === 'rp2040' ? benchPower([...kernels, ...training]) : [];
  const vm = await benchVmRows({ target });
  return [...kernels, ...training, ...benchMemory({ target }), ...power, ...vm];
}

async function rowsOf(suite: Suite, target: Target): Promise<BenchRow[]> {
  if (suite === 'kernels') {
    return [...(await benchKernels({ target })), ...(await benchFeatures({ target }))];
  }
  if (suite === 'training') return benchTraining({ target });
  if (suite === 'memory') return benchMemory({ target });
  if (suite === 'vm') return benchVmRows({ target });
  if (suite === 'swap') return benchSwap({ target });
  return benchAll({ target });
}

export interface BenchOptions {
  target?: string;
  json?: boolean;
  check?: boolean;
  write?: boolean;
}

function targetNamed(name: string): Target {
  const target = TARGETS.find((known) => known === name);
  if (!target) throw new RetuneError(`there is no target ${name}; choose ${TARGETS.join(', ')}`);
  return target;
}

/**
 * `retune bench SUITE`: measures, prints, and throws RetuneError when a result is wrong or, with
 * `check`, when something is worse than the committed figures.
 */
export async function runBench(suite: Suite, options: BenchOptions = {}): Promise<void> {
  const target = targetNamed(options.target ?? 'rp2040');
  const rows = await rowsOf(suite, target);
  console.log(options.json ? JSON.stringify(rows, null, 2) : rowTable(rows));
  const wrong = rows.filter(({ isCorrect, missing }) => !isCorrect && missing === undefined);
  if (wrong.length > 0) {
    throw new RetuneError(`bench: wrong results: ${wrong.map(({ name }) => name).join(', ')}`);
  }
  const baseline = readBaseline();
  if (options.check) {
    const worse = compare(rows, baseline[target] ?? []);
    if (worse.length > 0) {
      throw new RetuneError(
        `bench: worse than bench/baseline.json (if that is meant: --write)\n  ${worse.join('\n  ')}`,
      );
    }
  }
  if (options.write) {
    const next = merged(baseline, target, rows);
    await writeBaseline(next);
    await writePerformancePage(next);
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      target: { type: 'string' },
      json: { type: 'boolean' },
      check: { type: 'boolean' },
      write: { type: 'boolean' },
    },
  });
  const suite = SUITES.find((name) => name === (positionals[0] ?? 'all'));
  if (!suite) throw new RetuneError(`there is no bench ${positionals[0]}; ${SUITES.join(', ')}`);
  await runBench(suite, values);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main().catch((error: unknown) => {
    if (!(error instanceof RetuneError)) throw error;
    console.error(`retune: ${error.message}`);
    process.exitCode = 1;
  });
}
