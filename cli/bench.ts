import type { Command } from 'commander';
import { RetuneError } from './error.ts';

interface BenchCommandOptions {
  json?: boolean;
}

async function benchVm({ json }: BenchCommandOptions): Promise<void> {
  // Only here: the benchmark brings compiler, emulator and official VM with it.
  const { benchVm: measure, vmBenchTable } = await import('../bench/vm/main.ts');
  const rows = await measure();
  console.log(json ? JSON.stringify(rows, null, 2) : vmBenchTable(rows));
  // Cycles are exact; what is timed by the wall clock depends on who else is working.
  const exact = rows.filter(({ unit }) => unit.startsWith('cycles'));
  const missed = exact.filter(({ ok, isUnmet }) => !ok && !isUnmet).map(({ name }) => name);
  if (missed.length > 0) throw new RetuneError(`bench vm: target missed by ${missed.join(', ')}`);
}

/** `retune bench`: what things cost on the chip. */
export function addBenchCommand(program: Command): void {
  const bench = program.command('bench').description('measure on the emulated chip');
  bench
    .command('vm')
    .description('the virtual machine beside the official one: cycles, and WebAssembly')
    .option('--json', 'print rows as JSON')
    .action(benchVm);
}
