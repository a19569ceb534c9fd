/**
 * Changing between adapters in RAM: taking another place into use, and the whole command of the
 * learner, from the packet to its report.
 *
 *     npx tsx bench/main.ts swap [--target rp2040] [--json]
 */
import type { AdapterOptions } from '../compiler/adapter.ts';
import { ChipBench } from '../test/services/chip-bench.ts';
import { Device, type BenchTarget } from './device.ts';
import { DIGITS, readModel } from './kernels.ts';
import { typicalInput } from './models.ts';
import { checksumOf, missingRow, reaches, type BenchRow, type Goal, type Target } from './rows.ts';
import { portableTarget, targetOf } from './targets.ts';

/** 20 us, of issue 5, at the clock that boards run with. */
const LIMIT_CYCLES = 2500;
const PLACES = 4;
const METHODS = ['head', 'skip', 'lora'] as const;
const LEARNER = 1;
const COMMAND_STOP = 0x83;
const COMMAND_SWAP = 0x8d;

interface Changed {
  /** The dearest change. */
  cycles: number;
  stackBytes?: number;
  /** What the network says with every place in turn. */
  outputs: Int8Array[];
  arenaBytes: number;
}

/** Trains in place 1, then goes round all places and asks the network in each. */
function change(method: (typeof METHODS)[number], on: BenchTarget): Changed {
  const adapter: AdapterOptions = { method, places: PLACES, windows: 4 };
  const device = new Device(on, readModel(DIGITS), adapter);
  const { firmware, trainer, inputTensor } = device;
  const address = trainer.internals.adapter;
  const use = (place: number): number =>
    device.count(() => firmware.check('swap', 'rt_adapter_use', address, place));
  const window = (seed: number): Int8Array =>
    typicalInput(seed, inputTensor.bytes, inputTensor.zeroPoint);
  device.remember([window(1), window(2)], device.classes);
  use(1);
  device.burst({ steps: 2, batch: 1, views: 1 });
  const places = Array.from({ length: 2 * PLACES }, (_, i) => (3 * i) % PLACES);
  const cycles = Math.max(...places.map(use));
  const outputs = Array.from({ length: PLACES }, (_, place) => {
    use(place);
    return device.infer(window(3)).output;
  });
  const { stackBytes } = firmware;
  return { cycles, stackBytes, outputs, arenaBytes: device.compiled.arenaBytes };
}

/** The place that was trained says something else than the others, which say all the same. */
function isApart([first, trained, ...others]: Int8Array[]): boolean {
  const same = (output: Int8Array | undefined): boolean =>
    output !== undefined && first !== undefined && checksumOf(output) === checksumOf(first);
  return others.every(same) && !same(trained);
}

const about = (method: string): Pick<BenchRow, 'name' | 'kind' | 'what'> => ({
  name: `swap-digits-${method}`,
  kind: 'kernel',
  what: `models/digits, ${method}: another of ${PLACES} places into use`,
});

async function engineRow(method: (typeof METHODS)[number], target: Target): Promise<BenchRow> {
  const on = await targetOf(target);
  if (on === undefined) return missingRow({ ...about(method), target }, 'no emulator here');
  const ours = change(method, on);
  const judge = change(method, await portableTarget());
  const checksum = checksumOf(...ours.outputs);
  const isCorrect = checksum === checksumOf(...judge.outputs) && isApart(ours.outputs);
  const isCounted = target === 'rp2040' || target === 'rv32';
  const goal: Goal | undefined =
    target === 'rp2040' ? { unit: 'cycles', value: ours.cycles, limit: LIMIT_CYCLES } : undefined;
  return {
    ...about(method),
    target,
    cycles: isCounted ? ours.cycles : null,
    macs: null,
    perMac: null,
    bytes: ours.arenaBytes,
    checksum,
    isCorrect,
    reference: 'the portable C',
    goal,
    ok: isCorrect && reaches(goal),
  };
}

/** From the packet to the report, the bus left out: with nothing else to do. */
async function commandRow(): Promise<BenchRow> {
  const bench = await ChipBench.create(DIGITS);
  bench.ask(LEARNER, COMMAND_STOP, new Uint8Array()); // the first poll starts capture as well
  const places = [1, 0, 1, 1, 0];
  const answers = places.map((place) => bench.ask(LEARNER, COMMAND_SWAP, Uint8Array.of(place)));
  const cycles = Math.max(...answers.map((answer) => answer.cycles));
  const isCorrect = answers.every(
    ({ payload }, i) => Buffer.compare(payload, Buffer.of(0, 0, places[i] ?? 0)) === 0,
  );
  const goal: Goal = { unit: 'cycles', value: cycles, limit: LIMIT_CYCLES };
  return {
    name: 'swap-command',
    kind: 'kernel',
    target: 'rp2040',
    what: 'command swap of the learner, from the packet to its report',
    cycles,
    macs: null,
    perMac: null,
    bytes: null,
    checksum: checksumOf(...answers.map(({ payload }) => payload)),
    isCorrect,
    reference: 'services/learner.md',
    goal,
    ok: isCorrect && reaches(goal),
  };
}

export async function benchSwap({ target = 'rp2040' }: { target?: Target } = {}): Promise<
  BenchRow[]
> {
  const rows: BenchRow[] = [];
  for (const method of METHODS) rows.push(await engineRow(method, target));
  return target === 'rp2040' ? [...rows, await commandRow()] : rows;
}
