/** The virtual machine's figures as rows of the benchmark; bench/vm says how they come about. */
import type { BenchRow, Goal, Target } from './rows.ts';
import { benchVmChip, type VmBenchRow } from './vm/main.ts';

function rowOf(vm: VmBenchRow): BenchRow {
  const { name, what, unit, ours, target: limit, official } = vm;
  const goal: Goal | undefined =
    limit === undefined ? undefined : { unit: 'cycles', value: ours, limit };
  return {
    name: `vm-${name.replaceAll(/[^a-z0-9]+/gi, '-')}`,
    kind: 'vm',
    target: 'rp2040',
    what: `${what}: ${unit}`,
    cycles: ours,
    macs: null,
    perMac: null,
    bytes: null,
    checksum: null,
    isCorrect: true,
    reference: null,
    goal,
    peer: official === undefined ? undefined : { name: 'DeviceScript', cycles: official },
    ok: vm.ok,
  };
}

/** Only on the RP2040, only what is counted and not timed. */
export async function benchVmRows({ target }: { target: Target }): Promise<BenchRow[]> {
  if (target !== 'rp2040') return [];
  return (await benchVmChip()).map(rowOf);
}
