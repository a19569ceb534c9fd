/** The memory plan that `retune build` prints: flash by part, arena by tensor, what sets the peak. */
import Table from 'cli-table3';
import { DSP_FRAMES, DSP_PROFILE_FACTS } from '../native/dsp/quant.ts';
import type { TrainingCache } from './adapter.ts';
import { busiestStep, planArena, type Phase, type PlanBuffer } from './arena.ts';
import { bufferName, inferenceBuffers, type CompiledModel } from './compile.ts';
import type { LoweredModel } from './lower.ts';
import { overlaysOf } from './overlap.ts';
import type { PinnedBank } from './pins.ts';
import { tableBytes, tablesInOrder, type Table as ConstantTable } from './layout.ts';

export interface MemoryPart {
  name: string;
  bytes: number;
}

export interface MemorySum {
  parts: MemoryPart[];
  total: number;
}

export interface ArenaEntry {
  /** Name in the model, or of the training buffer. */
  name: string;
  kind: string;
  offset: number;
  bytes: number;
  /** Steps of the timeline: forward 0 to L-1, then backward. */
  first: number;
  last: number;
  /** Where not all of it is used all the time. */
  phases?: Phase[];
}

export interface MemoryReport {
  model: { file: string; sha256: string; layers: number; macs: number; labels: string[] };
  flash: MemorySum;
  /** Of the learning engine: the arena, and what it is given beside it. */
  ram: MemorySum;
  arena: {
    bytes: number;
    /** Proved: no plan can be smaller. */
    lowerBound: number;
    /** Most bytes alive in one step. */
    liveBytes: number;
    /** What is pinned lies at the arena's end, in this bank. */
    bank?: PinnedBank;
    /** What inference alone would need, without an adapter. */
    inferenceBytes: number;
    /** The step with most bytes alive, and of which kinds they are. */
    peak: {
      step: number;
      name: string;
      bytes: number;
      kinds: Record<string, number>;
      buffers: string[];
    };
    buffers: ArenaEntry[];
  };
  adapter: {
    method: string;
    rank: number;
    /** Bytes of one serialised adapter. */
    bytes: number;
    slots: number;
    /** Flash that a slot takes: whole sectors where the board's are known. */
    slotBytes: number;
    /** Adapters in RAM; `placeBytes` is what one more takes of the arena. */
    places: number;
    placeBytes: number;
    layers: string[];
    /** What a burst keeps of how many windows, so as not to compute it for every sample. */
    cache: TrainingCache & { ofWindows: number };
  } | null;
}

/** Facts of a compiled model; `sectorBytes` is the board's, for the size of a slot. */
export function memoryReport(compiled: CompiledModel, sectorBytes = 1): MemoryReport {
  const { model, training } = compiled;
  const adapter =
    training === undefined
      ? null
      : {
          method: compiled.adapter?.method ?? 'none',
          rank: training.rank,
          bytes: training.adapterBytes,
          slots: compiled.adapter?.slots ?? 1,
          slotBytes: Math.ceil(training.adapterBytes / sectorBytes) * sectorBytes,
          places: training.places,
          placeBytes: training.placeBytes,
          layers: training.sites,
          cache: { ...training.cache, ofWindows: training.windows },
        };
  const parts = flashParts(compiled);
  if (adapter !== null) {
    parts.push({ name: 'adapter slots', bytes: adapter.slots * adapter.slotBytes });
  }
  return {
    model: {
      file: compiled.file,
      sha256: model.sha256,
      layers: model.layers.length,
      macs: model.macs,
      labels: compiled.labels,
    },
    flash: summed(parts),
    ram: summed(ramParts(compiled)),
    arena: arenaReport(compiled),
    adapter,
  };
}

function summed(parts: MemoryPart[]): MemorySum {
  return { parts, total: parts.reduce((sum, part) => sum + part.bytes, 0) };
}

/** rt_window_head_t of native/engine/train_windows.h */
const WINDOW_HEAD_BYTES = 4;
/** RT_DSP_FFT_POINTS and RT_DSP_RING_SAMPLES of native/dsp */
const FFT_POINTS = 512;
const RING_SAMPLES = 1024;

function ramParts({ model, plan, training, features }: CompiledModel): MemoryPart[] {
  const parts = [{ name: 'arena', bytes: plan.peak }];
  if (training !== undefined) {
    const input = model.tensors[model.inputTensor]?.bytes ?? 0;
    const entry = WINDOW_HEAD_BYTES + Math.ceil(input / 4) * 4;
    const name = `${training.windows} labelled windows`;
    parts.push({ name, bytes: training.windows * entry });
  }
  if (features !== undefined) {
    const { mels } = DSP_PROFILE_FACTS[features.profile];
    const history = 2 * DSP_FRAMES * (mels + 1);
    parts.push({ name: 'features', bytes: 4 * FFT_POINTS + 2 * RING_SAMPLES + history });
  }
  return parts;
}

function flashParts(compiled: CompiledModel): MemoryPart[] {
  const part = new Map<ConstantTable, string>();
  for (const layer of compiled.model.layers) {
    if (layer.weights) part.set(layer.weights, 'weights');
    if (layer.packed) part.set(layer.packed, 'packed weights');
    if (layer.bias) part.set(layer.bias, 'bias');
    const quantisation = [
      layer.multiplier,
      layer.shift,
      layer.weightScale,
      layer.add,
      layer.softmax,
      layer.quick,
    ];
    for (const table of quantisation) if (table) part.set(table, 'quantisation tables');
  }
  const names = ['rt_model', 'layers', 'tensors'];
  const bytes = new Map<string, number>();
  for (const table of tablesInOrder(compiled.description)) {
    const other = names.includes(table.name) ? 'layers and tensors' : 'adapter plan';
    const name = part.get(table) ?? (table.name === 'rt_features' ? 'features' : other);
    bytes.set(name, (bytes.get(name) ?? 0) + Math.ceil(tableBytes(table) / 4) * 4);
  }
  const order = ['weights', 'bias', 'quantisation tables', 'layers and tensors'];
  const rest = [...bytes.keys()].filter((name) => !order.includes(name)).sort();
  return [...order, ...rest].map((name) => ({ name, bytes: bytes.get(name) ?? 0 }));
}

function arenaReport(compiled: CompiledModel): MemoryReport['arena'] {
  const { buffers, overlays, plan, model } = compiled;
  const peak = busiestStep(buffers, overlays);
  const entries = buffers.map((buffer) => ({
    name: bufferName(model, buffer.name),
    kind: buffer.kind ?? 'training',
    offset: plan.offsets.get(buffer.name) ?? 0,
    bytes: buffer.bytes,
    first: buffer.first,
    last: buffer.last,
    phases: buffer.phases,
  }));
  return {
    bytes: plan.peak,
    lowerBound: plan.lowerBound,
    liveBytes: plan.liveBytes,
    ...(plan.bank === undefined ? {} : { bank: plan.bank }),
    inferenceBytes: inferenceBytes(model),
    peak: {
      step: peak.step,
      name: stepName(compiled, peak.step),
      bytes: peak.bytes,
      kinds: kindsOf(buffers.filter(({ name }) => peak.names.includes(name))),
      buffers: peak.names.map((name) => bufferName(model, name)),
    },
    buffers: entries.sort((a, b) => a.first - b.first || a.offset - b.offset),
  };
}

/** What inference alone would need, without an adapter. */
function inferenceBytes(model: LoweredModel): number {
  const buffers = inferenceBuffers(model);
  return planArena(buffers, { overlays: overlaysOf(model, buffers) }).peak;
}

function kindsOf(buffers: PlanBuffer[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { kind = 'training', bytes } of buffers) sums[kind] = (sums[kind] ?? 0) + bytes;
  return sums;
}

/** "forward 3 CONV_2D name" or "backward 3 CONV_2D name". */
function stepName(compiled: CompiledModel, step: number): string {
  const { layers } = compiled.model;
  const forward = step < layers.length;
  const layer = layers[forward ? step : 2 * layers.length - 1 - step];
  return `${forward ? 'forward' : 'backward'} ${layer?.index ?? step} ${layer?.name ?? ''}`.trim();
}

const NAME_COLUMNS = 44;
const group = (value: number): string => value.toLocaleString('en-US');
const short = (name: string): string =>
  name.length <= NAME_COLUMNS ? name : `…${name.slice(1 - NAME_COLUMNS)}`;

/** A table for a terminal; `right` lists the columns that are aligned to the right. */
export function textTable(head: string[], rows: string[][], right: number[]): string {
  const aligns = head.map((_, i) => (right.includes(i) ? ('right' as const) : ('left' as const)));
  const made = new Table({
    head,
    colAligns: aligns,
    style: { head: [], border: [], compact: true },
  });
  made.push(...rows);
  return made.toString();
}

/** The report as text for a terminal. */
export function reportText(report: MemoryReport): string {
  const { model, flash, ram, arena, adapter } = report;
  const sum = ({ parts, total }: MemorySum): string[][] => [
    ...parts.map((part) => [part.name, group(part.bytes)]),
    ['total', group(total)],
  ];
  const arenaRows = arena.buffers.map((entry) => [
    short(entry.name),
    entry.kind,
    group(entry.offset),
    group(entry.bytes),
    `${entry.first} to ${entry.last}`,
  ]);
  const kinds = Object.entries(arena.peak.kinds).map(([kind, n]) => `${kind} ${group(n)}`);
  const lines = [
    `Model ${model.file}: ${model.layers} layers, ${group(model.macs)} multiply-accumulates`,
    '',
    `Flash: ${group(flash.total)} bytes`,
    textTable(['part', 'bytes'], sum(flash), [1]),
    '',
    `RAM: ${group(ram.total)} bytes`,
    textTable(['part', 'bytes'], sum(ram), [1]),
    '',
    `Arena: ${group(arena.bytes)} bytes, ${proofText(arena)}`,
    textTable(['buffer', 'kind', 'offset', 'bytes', 'steps'], arenaRows, [2, 3, 4]),
    ...bankLines(arena),
    `Peak: ${group(arena.peak.bytes)} bytes alive in ${arena.peak.name} (${kinds.join(', ')}):`,
    `  ${arena.peak.buffers.join(', ')}`,
    `Inference alone needs ${group(arena.inferenceBytes)} bytes`,
    '',
  ];
  if (adapter === null) return [...lines, 'Adapter: none'].join('\n');
  const slots = `${adapter.slots} slot${adapter.slots === 1 ? '' : 's'}`;
  return [
    ...lines,
    `Adapter: ${adapter.method}, rank ${adapter.rank}, ${group(adapter.bytes)} bytes, ` +
      `${slots} of ${group(adapter.slotBytes)} bytes in flash`,
    `  ${adapter.places} place${adapter.places === 1 ? '' : 's'} in RAM, one more takes ` +
      `${group(adapter.placeBytes)} bytes`,
    `  on ${adapter.layers.join(', ')}`,
    `Kept in a burst: ${cacheText(adapter.cache)}`,
  ].join('\n');
}

function bankLines({ bank, buffers }: MemoryReport['arena']): string[] {
  if (bank === undefined) return [];
  const pinned = buffers.filter(({ offset }) => offset >= bank.offset).map(({ name }) => name);
  const place = `from offset ${group(bank.offset)} on, address 0x${bank.address.toString(16)}`;
  const share = `${group(bank.used)} of its ${group(bank.bytes)} bytes`;
  return [`In ${bank.name} (${place}): ${pinned.join(', ')}; ${share}`];
}

function proofText({ bytes, lowerBound, liveBytes }: MemoryReport['arena']): string {
  if (bytes === lowerBound) {
    return bytes === liveBytes ? 'the least that is possible' : 'proved to be the least possible';
  }
  const gap = (100 * (bytes / lowerBound - 1)).toFixed(1);
  return `at most ${gap} % above the least possible (no plan can be below ${group(lowerBound)})`;
}

/** What was decided about frozen activations. */
function cacheText({
  windows,
  ofWindows,
  entryBytes,
  resume,
}: NonNullable<MemoryReport['adapter']>['cache']): string {
  const entries = `${group(entryBytes)} bytes each, ${group(windows * entryBytes)} together`;
  if (resume === undefined) {
    return entryBytes === 0
      ? 'nothing, every sample runs through the whole network'
      : `a vector of each window, ${entries}; samples need no network`;
  }
  const what = `what ${resume.name} reads`;
  const share = `${Math.round(100 * resume.skipped)} % of an inference`;
  if (windows === 0) {
    return (
      `nothing; "budgets.ram" or "adapter.cache" can keep ${what}, ${group(entryBytes)} bytes ` +
      `a window, and save ${share} for its samples`
    );
  }
  const rest = windows < ofWindows ? ', the others run through the whole network' : '';
  return `${what}, of ${windows} of ${ofWindows} windows, ${entries}; their samples save ${share}${rest}`;
}
