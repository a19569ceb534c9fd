/**
 * Plans adapters and their training: which layer is the head, where the taps and the low-rank deltas
 * sit, what the backward pass needs, which buffers with which lives. Writes native/engine/adapter.h's
 * rt_adapter_plan_t; docs/training.md gives the formulae.
 */
import { RetuneError } from '../cli/error.ts';
import type { AdapterOptions, TrainingCache, TrainingPlan } from './adapter.ts';
import { activationCache } from './activation-cache.ts';
import type { PlanBuffer } from './arena.ts';
import { backwardPath, planBackward, type Backward } from './backward.ts';
import type { StructTable, StructValue, Table } from './layout.ts';
import type { LoweredLayer, LoweredModel, LoweredTensor } from './lower.ts';
import { packedWords } from './packing.ts';
import { quantizeMultiplier } from './quantize.ts';
import { NONE, RtReal } from './model.ts';
import {
  METHOD,
  RtAdapterGroup,
  RtAdapterMask,
  RtAdapterPlan,
  RtAdapterSite,
  RtAdapterStep,
  RtAdapterTap,
} from './adapter-schema.ts';
import { BufferList } from './training-buffers.ts';

export { adapterSchemas } from './adapter-schema.ts';

export const MAX_RANK = 16;
const DEFAULT_RANK = { head: 0, skip: 8, lora: 4 } as const;
/** Labelled windows that a burst can use, where the manifest does not say. */
const DEFAULT_WINDOWS = 60;
/** native/engine/adapter_blob.h */
const BLOB_HEADER_BYTES = 24;
/** Matrices that start at zero start with fine steps; they get coarser as they grow. */
const ZERO_EXPONENT = 12;
/** Random matrices start with about this standard deviation in steps of int8. */
const RANDOM_STEPS = 20;

type Method = 'head' | 'skip' | 'lora';

/** A parameter tensor: rt_adapter_group_t without its place. */
interface Group {
  name: string;
  rows: number;
  columns: number;
  exponent: number;
  /** Standard deviation after a reset, in steps; 0: zero. */
  spread: number;
  unit: number;
}

interface Tap {
  layer: LoweredLayer;
  first: number;
  channels: number;
}

export function planTraining(model: LoweredModel, options: AdapterOptions): TrainingPlan {
  if (options.method === 'none') throw new Error('there is nothing to plan without an adapter');
  return new Planner(model, options.method, options).plan();
}

class Planner {
  private readonly head: LoweredLayer;
  private readonly headInput: LoweredTensor;
  private readonly headInputs: number;
  private readonly classes: number;
  private readonly rank: number;
  private readonly windows: number;
  private readonly places: number;
  private readonly last: number;

  constructor(
    private readonly model: LoweredModel,
    private readonly method: Method,
    private readonly options: AdapterOptions,
  ) {
    this.head = findHead(model);
    this.headInput = this.tensor(this.head.input);
    this.headInputs = this.headInput.bytes;
    this.classes = this.tensor(this.head.output).bytes;
    this.rank = this.checkRank();
    this.windows = options.windows ?? DEFAULT_WINDOWS;
    this.places = options.places ?? 1;
    this.last = 2 * model.layers.length - 1;
  }

  plan(): TrainingPlan {
    const taps = this.method === 'skip' ? this.findTaps() : [];
    const sites = this.method === 'lora' ? this.findSites() : [];
    const groups = [...this.headGroups(), ...this.skipGroups(taps), ...this.loraGroups(sites)];
    const backward =
      sites.length > 0 ? planBackward(this.model, this.head, sites, this.rank) : undefined;
    const tapChannels = taps.reduce((sum, tap) => sum + tap.channels, 0);
    const normalised = this.method === 'head' ? this.headInputs : tapChannels;
    const payload = payloadBytes(groups, 2 * normalised);
    const cache = this.cache(backward, this.headInputs + tapChannels);
    const buffers = this.buffers(groups, sites, payload, backward, {
      vector: this.headInputs + tapChannels,
      cache,
    });
    return {
      buffers: buffers.list,
      keep: backward?.keep ?? [],
      regroup: backward?.regroup ?? [],
      adapterBytes: BLOB_HEADER_BYTES + payload,
      rank: this.rank,
      places: this.places,
      placeBytes: alignedBytes(payload),
      windows: this.windows,
      cache,
      sites: [this.head, ...taps.map((tap) => tap.layer), ...sites].map((layer) => layer.name),
      build: (offsetOf) =>
        this.build(buffers, offsetOf, { groups, taps, sites, tapChannels, backward, cache }),
    };
  }

  /** What a burst keeps of its windows: a vector, or what the first trained layer reads. */
  private cache(backward: Backward | undefined, vector: number): TrainingCache {
    const first = backward?.steps.at(-1);
    // The vector, aligned, and the frozen network's logits.
    const entryBytes = 4 * Math.ceil(vector / 4) + 4 * this.classes;
    if (first === undefined) return { windows: this.windows, entryBytes };
    return activationCache(this.model, first.layer, this.windows, this.options.cache ?? 0);
  }

  private tensor(index: number): LoweredTensor {
    const tensor = this.model.tensors[index];
    if (tensor === undefined) throw new Error(`there is no tensor ${index}`);
    return tensor;
  }

  private fail(message: string): RetuneError {
    return new RetuneError(`${this.model.file}: ${message}`);
  }

  private checkRank(): number {
    const rank = this.options.rank ?? DEFAULT_RANK[this.method];
    if (this.method === 'head') return 0;
    if (!Number.isInteger(rank) || rank < 1 || rank > MAX_RANK) {
      throw this.fail(`adapter rank ${rank}; choose a rank from 1 to ${MAX_RANK}`);
    }
    return rank;
  }

  /** The layers that the manifest asks for, or undefined where it leaves the choice to us. */
  private chosenLayers(): LoweredLayer[] | undefined {
    return this.options.layers?.map((wanted) => {
      const layer = this.model.layers.find(
        (l) => l.index === wanted || l.name === wanted || this.tensor(l.output).name === wanted,
      );
      if (layer === undefined) {
        throw this.fail(
          `adapter layer ${JSON.stringify(wanted)} does not exist; ` +
            `choose a position from 0 to ${this.head.index - 1} or the name of a layer's output`,
        );
      }
      return layer;
    });
  }

  private findTaps(): Tap[] {
    const before = this.model.layers.filter(
      (l) => l.index < this.head.index && (l.op === 'CONV_2D' || l.op === 'FULLY_CONNECTED'),
    );
    // The last of them is what the head sees anyway.
    const layers = this.chosenLayers() ?? before.slice(0, -1);
    const ordered = [...new Set(layers)].sort((a, b) => a.index - b.index);
    if (ordered.length === 0) {
      throw this.fail('no block lies before the head, so there is no skip path; use method "head"');
    }
    let first = 0;
    return ordered.map((layer) => {
      if (layer.index >= this.head.index) {
        throw this.fail(`${layer.name} is not before the head and cannot feed a skip path`);
      }
      const tap = { layer, first, channels: this.tensor(layer.output).channels };
      first += tap.channels;
      return tap;
    });
  }

  private findSites(): LoweredLayer[] {
    const chosen = this.chosenLayers();
    if (this.isLowRankHead(chosen)) return [];
    const path = backwardPath(this.model, this.head);
    if (chosen === undefined) {
      const pointwise = path.layers.filter(isPointwise);
      const dense = path.layers.filter((layer) => layer.op === 'FULLY_CONNECTED');
      const sites = pointwise.length > 0 ? pointwise : dense;
      if (sites.length === 0) {
        throw this.fail(
          'no pointwise or dense layer can have a low-rank delta' +
            (path.blocked ? ` (training does not pass ${path.blocked.name})` : '') +
            '; use method "skip" or "head"',
        );
      }
      return sites.sort((a, b) => a.index - b.index);
    }
    for (const layer of chosen) {
      if (layer === this.head) {
        throw this.fail(
          `${layer.name} is the head and always trained: whole beside other layers, with a ` +
            'low-rank delta where it is named alone',
        );
      }
      if (!isPointwise(layer) && layer.op !== 'FULLY_CONNECTED') {
        throw this.fail(
          `${layer.name} cannot have a low-rank delta; choose 1x1 convolutions of stride 1 or dense layers`,
        );
      }
      if (!path.layers.includes(layer)) {
        const wall = path.blocked?.name ?? 'the graph';
        throw this.fail(
          `training cannot go back to ${layer.name} through ${wall}; choose layers behind it, or method "skip"`,
        );
      }
    }
    return [...new Set(chosen)].sort((a, b) => a.index - b.index);
  }

  /** LoRA of the head and of nothing else: all that it needs of a window is the head's input. */
  private isLowRankHead(chosen = this.chosenLayers()): boolean {
    return this.method === 'lora' && chosen?.every((layer) => layer === this.head) === true;
  }

  private headGroups(): Group[] {
    const zero = { exponent: ZERO_EXPONENT, spread: 0 };
    const bias = { name: 'head bias', rows: 1, columns: this.classes, unit: 1, ...zero };
    if (this.isLowRankHead()) {
      const unit = this.headInput.scale;
      const spread = random(0.8 * this.headInputs ** -0.5);
      return [
        { name: 'head A', rows: this.rank, columns: this.headInputs, unit, ...spread },
        bias,
        { name: 'head B', rows: this.classes, columns: this.rank, unit, ...zero },
      ];
    }
    return [
      {
        name: 'head weights',
        rows: this.classes,
        columns: this.headInputs,
        // The head alone learns from normalised inputs, with others it learns from real ones.
        unit: this.method === 'head' ? 1 : this.headInput.scale,
        ...zero,
      },
      bias,
    ];
  }

  private skipGroups(taps: Tap[]): Group[] {
    const channels = taps.reduce((sum, tap) => sum + tap.channels, 0);
    if (channels === 0) return [];
    return [
      { name: 'down', rows: this.rank, columns: channels, ...random(channels ** -0.5), unit: 1 },
      {
        name: 'up',
        rows: this.classes,
        columns: this.rank,
        exponent: ZERO_EXPONENT,
        spread: 0,
        unit: 1,
      },
    ];
  }

  private loraGroups(sites: LoweredLayer[]): Group[] {
    return sites.flatMap((layer) => {
      const { inputs, outputs, ratio } = this.siteShape(layer);
      const spread = 0.8 * inputs ** -0.5;
      return [
        {
          name: `${layer.name} A`,
          rows: this.rank,
          columns: inputs,
          ...random(spread),
          unit: ratio,
        },
        {
          name: `${layer.name} B`,
          rows: outputs,
          columns: this.rank,
          exponent: ZERO_EXPONENT,
          spread: 0,
          unit: ratio,
        },
      ];
    });
  }

  private siteShape(layer: LoweredLayer): { inputs: number; outputs: number; ratio: number } {
    const input = this.tensor(layer.input);
    const output = this.tensor(layer.output);
    const inputs = layer.op === 'FULLY_CONNECTED' ? input.bytes : input.channels;
    return { inputs, outputs: output.channels, ratio: input.scale / output.scale };
  }

  private buffers(
    groups: Group[],
    sites: LoweredLayer[],
    payload: number,
    backward: Backward | undefined,
    { vector, cache }: { vector: number; cache: TrainingCache },
  ): BufferList {
    const parameters = countParameters(groups);
    const widest = Math.max(
      this.classes,
      ...sites.map((site) => this.tensor(site.output).channels),
    );
    const list = new BufferList(this.last);
    list.always('payload', payload, 'adapter');
    list.add(this.otherPlaces(payload));
    list.always('vector', vector, 'adapter');
    list.always('logits', 8 * this.classes, 'adapter');
    list.always('scratch', 4 * widest, 'adapter');
    list.add(this.loraTables(sites));
    list.always('snapshot', payload);
    list.always('state', 20 * groups.length + 4 * (backward?.steps.length ?? 0));
    list.always('residual', parameters);
    const gathers = this.options.optimizer === 'momentum';
    list.always('momentum', gathers ? 2 * parameters : 0);
    list.always('gradient', gathers ? 2 * parameters : 0);
    list.always('order', 4 * this.windows);
    list.always('cache', cache.windows * cache.entryBytes);
    list.add(backward?.buffers ?? []);
    return list;
  }

  /** Payloads of the places but the first, one behind the other: rt_adapter_plan_t.places. */
  private otherPlaces(payload: number): PlanBuffer[] {
    return Array.from({ length: this.places - 1 }, (_, i) => ({
      name: placeBuffer(i + 1),
      bytes: payload,
      first: 0,
      last: this.last,
      kind: 'adapter',
      group: 'places',
      groupOffset: i * alignedBytes(payload),
    }));
  }

  /** Tables of native/engine/lora.h for one site at a time, live while sites are computed. */
  private loraTables(sites: LoweredLayer[]): PlanBuffer[] {
    const first = sites[0]?.index;
    const last = sites.at(-1)?.index;
    if (first === undefined || last === undefined) return [];
    const bytes = sites.map((site) => {
      const { inputs, outputs } = this.siteShape(site);
      return 4 * (packedWords(this.rank, inputs) + Math.ceil(this.rank / 4) * 4 * outputs);
    });
    return [{ name: 'lora', bytes: Math.max(...bytes), first, last, kind: 'adapter' }];
  }

  private build(
    buffers: BufferList,
    offsetOf: (name: string) => number,
    parts: {
      groups: Group[];
      taps: Tap[];
      sites: LoweredLayer[];
      tapChannels: number;
      backward: Backward | undefined;
      cache: TrainingCache;
    },
  ): Table {
    const { groups, taps, sites, backward } = parts;
    const place = (name: string): StructValue => buffers.place(name, offsetOf);
    const logitScale = this.logitScales();
    const value: StructValue = {
      method: METHOD[this.method],
      rank: this.rank,
      hash: layoutHash([this.method, this.rank, groups, taps.map((tap) => tap.layer.index)]),
      classes: this.classes,
      head_layer: this.head.index,
      head_inputs: this.headInputs,
      logit_scale: realTable('adapter_logit_scale', logitScale),
      inverse_logit_scale: realTable('adapter_inverse_logit_scale', logitScale.map(inverse)),
      head_scale: real(this.headInput.scale),
      tap_count: taps.length,
      taps: structTable(
        'adapter_taps',
        RtAdapterTap,
        taps.map((tap) => ({ layer: tap.layer.index, first: tap.first })),
      ),
      tap_channels: parts.tapChannels,
      site_count: sites.length,
      sites: structTable(
        'adapter_sites',
        RtAdapterSite,
        sites.map((site) => this.siteValue(site)),
      ),
      step_count: backward?.steps.length ?? 0,
      steps: structTable('adapter_steps', RtAdapterStep, backward?.steps ?? []),
      mask_count: backward?.masks.length ?? 0,
      masks: structTable(
        'adapter_masks',
        RtAdapterMask,
        (backward?.masks ?? []).map((mask) => ({
          layer: mask.layer,
          offset_bytes: offsetOf(mask.buffer),
        })),
      ),
      group_count: groups.length,
      groups: groupTable(groups),
      parameter_count: countParameters(groups),
      windows: this.windows,
      cache_windows: parts.cache.windows,
      resume_layer: backward?.steps.at(-1)?.layer ?? NONE,
      place_count: this.places,
      places: {
        offset_bytes: this.places > 1 ? offsetOf(placeBuffer(1)) : 0,
        bytes: (this.places - 1) * alignedBytes(buffers.bytes('payload')),
      },
    };
    for (const name of BUFFER_MEMBERS) value[name] = place(name);
    return { name: 'adapter_plan', type: RtAdapterPlan, values: [value] };
  }

  /** Real value of one unit of a logit's accumulator. */
  private logitScales(): number[] {
    return weightScales(this.head).map((scale) => scale * this.headInput.scale);
  }

  private siteValue(layer: LoweredLayer): StructValue {
    const { ratio } = this.siteShape(layer);
    return {
      layer: layer.index,
      input_scale: real(this.tensor(layer.input).scale),
      ratio: real(ratio),
      inverse_weight_scale: realTable(
        `adapter_site${layer.index}_inverse_weight_scale`,
        weightScales(layer).map(inverse),
      ),
    };
  }
}

/** Buffers of rt_adapter_plan_t by member name. */
const BUFFER_MEMBERS = [
  'payload',
  'vector',
  'logits',
  'scratch',
  'lora',
  'snapshot',
  'state',
  'residual',
  'momentum',
  'gradient',
  'order',
  'cache',
  'signal',
  'pooled',
  'work',
] as const;

const placeBuffer = (place: number): string => `place ${place}`;

const alignedBytes = (bytes: number): number => Math.ceil(bytes / 4) * 4;

const inverse = (value: number): number => 1 / value;

function random(spread: number): { exponent: number; spread: number } {
  const exponent = Math.round(Math.log2(RANDOM_STEPS / spread));
  return { exponent, spread: spread * 2 ** exponent };
}

function countParameters(groups: Group[]): number {
  return groups.reduce((sum, group) => sum + group.rows * group.columns, 0);
}

/** Exponents, int8 parameters, constants: what a blob carries behind its header. */
function payloadBytes(groups: Group[], constants: number): number {
  return groups.length + countParameters(groups) + constants;
}

/** The dense layer whose outputs are the logits. */
function findHead(model: LoweredModel): LoweredLayer {
  const last = model.layers.at(-1);
  const head = last?.op === 'SOFTMAX' ? model.layers.at(-2) : last;
  if (head === undefined || head.op !== 'FULLY_CONNECTED') {
    throw new RetuneError(
      `${model.file}: no adapter without a dense head: the last layer before softmax is ` +
        `${head?.name ?? 'missing'}; train a classifier that ends in a FULLY_CONNECTED layer`,
    );
  }
  return head;
}

function isPointwise(layer: LoweredLayer): boolean {
  return (
    layer.op === 'CONV_2D' &&
    layer.kernelHeight === 1 &&
    layer.kernelWidth === 1 &&
    layer.strideHeight === 1 &&
    layer.strideWidth === 1
  );
}

/** Real weight scales of a layer's channels. */
function weightScales(layer: LoweredLayer): number[] {
  const rows = layer.weightScale?.values ?? [];
  return rows.map((row) => {
    const { mantissa, exponent } = row as { mantissa: number; exponent: number };
    return mantissa * 2 ** (exponent - 31);
  });
}

function real(value: number): StructValue {
  const { multiplier, shift } = quantizeMultiplier(value);
  return { mantissa: multiplier, exponent: shift };
}

function realTable(name: string, values: number[]): StructTable {
  return { name, type: RtReal, values: values.map(real) };
}

function structTable(
  name: string,
  type: StructTable['type'],
  values: StructValue[],
): StructTable | null {
  return values.length === 0 ? null : { name, type, values };
}

function groupTable(groups: Group[]): StructTable {
  let first = 0;
  const values = groups.map((group) => {
    const value = {
      rows: group.rows,
      columns: group.columns,
      first,
      exponent: group.exponent,
      spread_q8: Math.round(group.spread * 256),
      unit: real(group.unit),
    };
    first += group.rows * group.columns;
    return value;
  });
  return {
    name: 'adapter_groups',
    type: RtAdapterGroup,
    values,
    comments: groups.map((g) => g.name),
  };
}

/** FNV-1a over what decides whether a saved adapter fits. */
function layoutHash(parts: unknown): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(JSON.stringify(parts))) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return hash;
}
