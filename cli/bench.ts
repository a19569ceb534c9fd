import { Argument, Option, type Command } from 'commander';

const SUITES = ['kernels', 'training', 'memory', 'vm', 'store', 'delta', 'swap', 'all'] as const;
const TARGETS = ['rp2040', 'rv32', 'wasm', 'host'] as const;

interface BenchCommandOptions {
  target: (typeof TARGETS)[number];
  json?: boolean;
  check?: boolean;
  write?: boolean;
}

async function bench(suite: (typeof SUITES)[number], options: BenchCommandOptions): Promise<void> {
  if (suite === 'store') {
    const { runStoreBench } = await import('../bench/store.ts');
    return runStoreBench(options);
  }
  if (suite === 'delta') {
    const { runDeltaBench } = await import('../bench/delta.ts');
    return runDeltaBench(options);
  }
  // Only here: the benchmark brings compiler, emulators and official VM with it.
  const { runBench } = await import('../bench/main.ts');
  await runBench(suite, options);
}

/** `retune bench`: what things cost on the chip. */
export function addBenchCommand(program: Command): void {
  program
    .command('bench')
    .description(
      'measure kernels, training steps, memory, the virtual machine, the store and deltas',
    )
    .addArgument(new Argument('[suite]', 'what to measure').choices(SUITES).default('all'))
    .addOption(
      new Option('--target <name>', 'rp2040: emulated, cycles; rv32: counted instructions')
        .choices(TARGETS)
        .default('rp2040'),
    )
    .option('--json', 'print rows as JSON')
    .option('--check', 'fail where a figure is over 2 % worse than bench/baseline.json')
    .option('--write', 'write bench/baseline.json and docs/performance.md')
    .action(bench);
}
