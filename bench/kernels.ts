/**
 * Inference: whole networks and single layers, on any target, judged by the plain interpreter of
 * TensorFlow Lite's specification (test/oracle/reference.ts).
 *
 *     npx tsx bench/kernels.ts [--target rp2040] [--json] [--profile] [MODEL.tflite …]
 *
 * prints networks layer by layer. rp2040/README.md says what the cycles are worth.
 */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { compileModel, type CompiledModel } from '../compiler/compile.ts';
import { projectRoot } from '../compiler/toolchain.ts';
import { ReferenceInterpreter } from '../test/oracle/reference.ts';
import { dataPath } from '../test/support/data.ts';
import { randomInput } from '../test/support/inputs.ts';
import { writeTflite } from '../test/support/tflite-writer.ts';
import { Device, tableBytes, type BenchTarget, type ModelFile } from './device.ts';
import { HostProgram } from './host.ts';
import { SINGLE_LAYERS, extremeInput, typicalInput } from './models.ts';
import { checksumOf, reaches, type BenchRow, type Goal, type Peer, type Target } from './rows.ts';
import { portableTarget, stallsOf, targetOf } from './targets.ts';

export const KWS = 'models/kws_ref_model.tflite';
export const DIGITS = join(projectRoot, 'models/digits/digits.tflite');

/** Cycles to stay within, of issue 4; on RV32 instructions. */
const LIMITS: Partial<Record<Target, Record<string, number>>> = {
  rp2040: {
    'ds-cnn': 13_000_000,
    'fc-256x64': 64_000,
    'pointwise-25x5x64': 2_150_000,
    'depthwise-25x5x64': 720_000,
    'conv-10x4': 1_400_000,
  },
  rv32: { 'ds-cnn': 9_000_000 },
};

/** CMSIS-NN at -O2 on the same emulator, and under QEMU: DESIGN.md. */
const CMSIS: Partial<Record<Target, Record<string, number>>> = {
  rp2040: {
    'ds-cnn': 39_500_000,
    'fc-256x64': 140_781,
    'pointwise-25x5x64': 5_050_000,
    'depthwise-25x5x64': 3_700_000,
    'conv-10x4': 4_200_000,
  },
  rv32: { 'ds-cnn': 16_300_000 },
};

interface Subject {
  name: string;
  what: string;
  model: () => ModelFile;
  /** One layer of it; else the whole inference. */
  layer?: number;
}

export const readModel = (path: string): ModelFile => ({
  bytes: readFileSync(path),
  file: basename(path),
});

function subjects(): Subject[] {
  return [
    {
      name: 'ds-cnn',
      what: 'MLPerf Tiny keyword DS-CNN, one inference',
      model: () => readModel(dataPath(KWS)),
    },
    { name: 'digits', what: 'models/digits, one inference', model: () => readModel(DIGITS) },
    ...SINGLE_LAYERS.map(({ name, what, spec, layer }) => ({
      name,
      what,
      layer,
      model: () => ({ bytes: writeTflite(spec()), file: `${name}.tflite` }),
    })),
  ];
}

const isNetwork = ({ name }: Subject): boolean => name === 'ds-cnn' || name === 'digits';

function layersOf(device: Device, input: Int8Array): BenchRow['layers'] {
  const { layers } = device.inferByLayer(input);
  return device.compiled.model.layers.map((l, i) => ({
    layer: l.name,
    macs: l.macs,
    cycles: layers[i] ?? 0,
  }));
}

function estimateStalls({ model, layer }: Subject, input: Int8Array): BenchRow['stallCycles'] {
  if (layer !== undefined) return undefined;
  return stallsOf((target) => new Device(target, model()).inferenceStalls(input));
}

/** What is run: the first is measured, all are judged. */
function inputsOf(subject: Subject, size: number, zeroPoint: number): Int8Array[] {
  const first = isNetwork(subject)
    ? randomInput(1, size, zeroPoint)
    : typicalInput(7, size, zeroPoint);
  return [first, randomInput(2, size, zeroPoint), extremeInput(3, size)];
}

const equal = (a: Int8Array, b: Int8Array): boolean =>
  a.length === b.length && a.every((value, i) => value === b[i]);

/** What a target makes of the inputs. */
interface Runs {
  compiled: CompiledModel;
  outputs: Int8Array[];
  /** Of the first input, where they are counted. */
  cycles: number | null;
  stackBytes?: number;
  layers?: BenchRow['layers'];
}

function runOnDevice(subject: Subject, on: BenchTarget, inputs: Int8Array[]): Runs {
  const { layer } = subject;
  const device = new Device(on, subject.model());
  const { firmware, compiled } = device;
  const runs = inputs.map((input) => {
    if (layer === undefined) return device.infer(input);
    const { layers, output } = device.inferByLayer(input);
    return { cycles: layers[layer] ?? 0, output };
  });
  const isCounted = firmware.cyclesSoFar !== undefined;
  return {
    compiled,
    outputs: runs.map(({ output }) => output),
    cycles: isCounted ? (runs[0]?.cycles ?? 0) : null,
    stackBytes: firmware.stackBytes,
    layers: isNetwork(subject) && isCounted ? layersOf(device, inputs[0]!) : undefined,
  };
}

async function runOnHost(subject: Subject, inputs: Int8Array[]): Promise<Runs> {
  const { bytes, file } = subject.model();
  const compiled = compileModel(bytes, file, { packed: true });
  const program = await HostProgram.build(compiled);
  return { compiled, outputs: program.infer(inputs), cycles: null };
}

async function measure(
  subject: Subject,
  target: Target,
  on: BenchTarget | undefined,
  wantsStalls: boolean,
): Promise<BenchRow> {
  const { name, what, layer } = subject;
  const reference = new ReferenceInterpreter(subject.model().bytes);
  const inputs = inputsOf(subject, reference.inputSize, reference.input.zeroPoint);
  const { compiled, outputs, cycles, stackBytes, layers } = on
    ? runOnDevice(subject, on, inputs)
    : await runOnHost(subject, inputs);
  const isCorrect = outputs.every((output, i) => equal(output, reference.infer(inputs[i]!)));
  const measured = compiled.model.layers.filter((l) => layer === undefined || l.index === layer);
  const macs = measured.reduce((sum, l) => sum + l.macs, 0);
  const limit = LIMITS[target]?.[name];
  const goal: Goal | undefined =
    limit === undefined || cycles === null ? undefined : { unit: 'cycles', value: cycles, limit };
  const theirs = CMSIS[target]?.[name];
  const peer: Peer | undefined =
    theirs === undefined ? undefined : { name: 'CMSIS-NN', cycles: theirs };
  return {
    name,
    kind: 'kernel',
    target,
    what,
    cycles,
    macs,
    perMac: cycles === null ? null : Math.round((1000 * cycles) / macs) / 1000,
    bytes: compiled.arenaBytes,
    flashBytes: tableBytes(compiled),
    stackBytes,
    checksum: checksumOf(...outputs),
    isCorrect,
    reference: 'TensorFlow Lite specification, three inputs',
    layers,
    stallCycles:
      wantsStalls && target === 'rp2040' ? estimateStalls(subject, inputs[0]!) : undefined,
    goal,
    peer,
    ok: isCorrect && reaches(goal),
  };
}

export interface KernelOptions {
  target?: Target;
  /** Only these rows. */
  names?: string[];
  /** Something else than the target's own firmware. */
  on?: BenchTarget;
  /** Whether to estimate stalls of the flash cache, on the RP2040; default true. */
  stalls?: boolean;
}

/** Rows of all networks and single layers. */
export async function benchKernels(options: KernelOptions = {}): Promise<BenchRow[]> {
  const { target = 'rp2040', names, stalls = true } = options;
  const on = options.on ?? (await targetOf(target));
  const rows: BenchRow[] = [];
  for (const subject of subjects()) {
    if (!names || names.includes(subject.name))
      rows.push(await measure(subject, target, on, stalls));
  }
  return rows;
}

// ---- networks layer by layer ----

const number = (value: number): string => Math.round(value).toLocaleString('en-US');

interface LayerReport {
  model: string;
  isCorrect: boolean;
  cycles: number;
  estimatedCycles: number;
  longestRowCycles: number;
  stackBytes: number;
  arenaBytes: number;
  layers: { layer: string; macs: number; cycles: number }[];
  profile?: Record<string, number>;
}

async function byLayer(path: string, target: Target, profile: boolean): Promise<LayerReport> {
  const model = readModel(path);
  const device = new Device((await targetOf(target)) ?? (await portableTarget()), model);
  const { bytes, zeroPoint } = device.inputTensor;
  const input = randomInput(1, bytes, zeroPoint);
  const { cycles, output } = device.infer(input);
  const { longestRow } = device.inferByLayer(input);
  return {
    model: model.file,
    isCorrect: equal(output, new ReferenceInterpreter(model.bytes).infer(input)),
    cycles,
    estimatedCycles: device.estimatedCycles,
    longestRowCycles: longestRow,
    stackBytes: device.firmware.stackBytes ?? 0,
    arenaBytes: device.compiled.arenaBytes,
    layers: layersOf(device, input) ?? [],
    ...(profile ? { profile: Object.fromEntries(device.profile(input)) } : {}),
  };
}

function print(report: LayerReport): void {
  const table = new Table({
    head: ['layer', 'MAC', 'cycles', 'cycles/MAC'],
    colAligns: ['left', 'right', 'right', 'right'],
    style: { head: [], border: [] },
  });
  for (const { layer, macs, cycles } of report.layers) {
    const name = layer.length > 48 ? `${layer.slice(0, 47)}…` : layer;
    table.push([name, number(macs), number(cycles), (cycles / macs).toFixed(2)]);
  }
  const macs = report.layers.reduce((sum, layer) => sum + layer.macs, 0);
  table.push(['inference', number(macs), number(report.cycles), (report.cycles / macs).toFixed(2)]);
  const verdict = report.isCorrect ? 'as the specification of TensorFlow Lite' : 'OUTPUT DIFFERS';
  console.log(`${report.model}: ${verdict}`);
  console.log(table.toString());
  console.log(
    `longest row ${number(report.longestRowCycles)} cycles, estimate of an inference ` +
      `${number(report.estimatedCycles)}, stack ${report.stackBytes} bytes, ` +
      `arena ${number(report.arenaBytes)} bytes`,
  );
  for (const [name, cycles] of Object.entries(report.profile ?? {}).slice(0, 14)) {
    console.log(`  ${number(cycles).padStart(12)} ${name}`);
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean' },
      profile: { type: 'boolean' },
      target: { type: 'string', default: 'rp2040' },
    },
  });
  const paths = positionals.length > 0 ? positionals : [dataPath(KWS), DIGITS];
  const reports: LayerReport[] = [];
  for (const path of paths) {
    reports.push(await byLayer(path, values.target as Target, values.profile ?? false));
  }
  if (values.json) console.log(JSON.stringify(reports, null, 1));
  else reports.forEach(print);
  if (reports.some(({ isCorrect }) => !isCorrect)) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
