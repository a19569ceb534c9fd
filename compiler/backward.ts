/**
 * Plans the backward pass: the way from the head to the first trained layer, where gradients are
 * masked, and the lives of what it needs. The engine's side is native/engine/backward.h.
 */
import type { KeptTensor, RegroupedTensor } from './adapter.ts';
import type { Phase, PlanBuffer } from './arena.ts';
import type { LoweredLayer, LoweredModel, LoweredTensor } from './lower.ts';
import { wayBack } from './backward-weights.ts';
import type { StructValue } from './layout.ts';
import { NONE } from './model.ts';

export interface BackwardPath {
  /** From the layer before the head towards the input. */
  layers: LoweredLayer[];
  /** The layer that training cannot pass, where there is one. */
  blocked?: LoweredLayer;
}

/** rt_adapter_step_t */
export interface BackwardStep extends StructValue {
  layer: number;
}

export interface Mask {
  layer: number;
  buffer: string;
}

export interface Backward {
  steps: BackwardStep[];
  masks: Mask[];
  buffers: PlanBuffer[];
  keep: KeptTensor[];
  regroup: RegroupedTensor[];
}

const alignUp = (value: number): number => Math.ceil(value / 4) * 4;

function tensorOf(model: LoweredModel, index: number): LoweredTensor {
  const tensor = model.tensors[index];
  if (tensor === undefined) throw new Error(`there is no tensor ${index}`);
  return tensor;
}

/** The layer that computes a tensor, seen through RESHAPE. */
function producerOf(model: LoweredModel, tensor: number): LoweredLayer | undefined {
  const { storage } = tensorOf(model, tensor);
  return model.layers.find((layer) => tensorOf(model, layer.output).storage === storage);
}

function isGlobalPool(model: LoweredModel, layer: LoweredLayer): boolean {
  const input = tensorOf(model, layer.input);
  return (
    layer.op === 'AVERAGE_POOL_2D' &&
    layer.kernelHeight === input.height &&
    layer.kernelWidth === input.width &&
    layer.padTop === 0 &&
    layer.padLeft === 0
  );
}

function isDense(layer: LoweredLayer): boolean {
  if (layer.op === 'FULLY_CONNECTED') return true;
  const { kernelHeight, kernelWidth, strideHeight, strideWidth } = layer;
  return layer.op === 'CONV_2D' && kernelHeight * kernelWidth * strideHeight * strideWidth === 1;
}

/** How often a tensor's bytes are read: gradients of a fork would have to be added up. */
function readers(model: LoweredModel, tensor: number): number {
  const { storage } = tensorOf(model, tensor);
  return model.layers.filter(
    (layer) =>
      tensorOf(model, layer.input).storage === storage ||
      (layer.input2 !== undefined && tensorOf(model, layer.input2).storage === storage),
  ).length;
}

/** Follows the graph from the head towards the input as far as gradients can be propagated. */
export function backwardPath(model: LoweredModel, head: LoweredLayer): BackwardPath {
  const layers: LoweredLayer[] = [];
  let layer = producerOf(model, head.input);
  while (layer !== undefined) {
    const first = layers.length === 0;
    const forked = readers(model, layer.output) > 1;
    const passable = isDense(layer) || layer.op === 'DEPTHWISE_CONV_2D';
    if (forked || !(passable || (first && isGlobalPool(model, layer)))) {
      return { layers, blocked: layer };
    }
    layers.push(layer);
    layer = producerOf(model, layer.input);
  }
  return { layers };
}

/** Plans the way back to the first of `sites`, which must all lie on it. */
export function planBackward(
  model: LoweredModel,
  head: LoweredLayer,
  sites: LoweredLayer[],
  rank: number,
): Backward {
  return new BackwardPlanner(model, head, sites, rank).plan();
}

class BackwardPlanner {
  private readonly path: LoweredLayer[];
  private readonly masks: (Mask & { last: number; bytes: number })[] = [];
  private readonly pooled: boolean;

  constructor(
    private readonly model: LoweredModel,
    private readonly head: LoweredLayer,
    private readonly sites: LoweredLayer[],
    private readonly rank: number,
  ) {
    const { layers } = backwardPath(model, head);
    const end = Math.max(...sites.map((site) => layers.indexOf(site)));
    this.path = layers.slice(0, end + 1);
    this.pooled = this.path[0]?.op === 'AVERAGE_POOL_2D';
  }

  plan(): Backward {
    const steps = this.path.map((layer, i) => this.step(layer, i));
    const signal = this.signalBuffer();
    const regroup = this.overlay(signal);
    const masks = this.masks.map(({ layer, buffer, bytes, last }) => ({
      name: buffer,
      bytes,
      first: layer,
      last,
      kind: 'training',
    }));
    return {
      steps,
      masks: this.masks.map(({ layer, buffer }) => ({ layer, buffer })),
      buffers: [signal, ...masks, ...this.scratch()],
      keep: this.sites.map((site) => ({ tensor: site.input, last: this.backwardStep(site) })),
      regroup,
    };
  }

  /** When a layer runs backward. */
  private backwardStep(layer: LoweredLayer): number {
    return 2 * this.model.layers.length - 1 - layer.index;
  }

  private tensor(index: number): LoweredTensor {
    return tensorOf(this.model, index);
  }

  private step(layer: LoweredLayer, i: number): BackwardStep {
    const site = this.sites.indexOf(layer);
    const last = i === this.path.length - 1;
    const producer = this.path[i + 1];
    const pool = layer.op === 'AVERAGE_POOL_2D';
    let inputMask = NONE;
    if (!last && !pool && site < 0 && producer) inputMask = this.mask(producer, layer);
    const behindPool = i === 1 && this.pooled;
    return {
      layer: layer.index,
      site: site < 0 ? NONE : site,
      producer: producer?.index ?? NONE,
      input_mask: inputMask,
      output_mask: behindPool ? this.mask(layer, layer) : NONE,
      // What ends the way propagates nothing; a pool only divides.
      ...(last || pool
        ? { weights: null, exponent: 0, weight_max: 0, gain_bits: 0 }
        : wayBack(this.model, layer)),
    };
  }

  /** The mask of a layer's output, alive until `reader` runs backward. */
  private mask(layer: LoweredLayer, reader: LoweredLayer): number {
    const bytes = Math.ceil(this.tensor(layer.output).bytes / 8);
    const last = this.backwardStep(reader);
    const found = this.masks.find((mask) => mask.layer === layer.index);
    if (found) {
      found.last = Math.max(found.last, last);
      return this.masks.indexOf(found);
    }
    this.masks.push({ layer: layer.index, buffer: `mask:${layer.index}`, bytes, last });
    return this.masks.length - 1;
  }

  /** Layers that write the signal of their input. */
  private writers(): LoweredLayer[] {
    return this.path.slice(this.pooled ? 1 : 0, -1);
  }

  private signalBuffer(): PlanBuffer {
    const elements = this.writers().map((layer) => this.tensor(layer.input).bytes);
    if (!this.pooled) elements.push(this.tensor(this.head.input).bytes);
    const first = this.pooled ? this.writers()[0] : this.head;
    const end = this.path.at(-1);
    const kind = 'training';
    const span = {
      first: this.backwardStep(first ?? this.head),
      last: this.backwardStep(end ?? this.head),
    };
    const phases = this.phases((layer) => this.signalBytes(layer)).filter(
      (phase) => phase.first >= span.first && phase.bytes > 0,
    );
    const bytes = alignUp(Math.max(0, ...elements));
    return { name: 'signal', bytes, ...span, kind, phases };
  }

  /** What a layer reads and writes of the signal, in place. */
  private signalBytes(layer: LoweredLayer): number {
    const [input, output] = [this.tensor(layer.input), this.tensor(layer.output)];
    if (layer === this.head) return this.pooled ? 0 : alignUp(input.bytes);
    const written = layer === this.path.at(-1) || layer.op === 'AVERAGE_POOL_2D' ? 0 : input.bytes;
    const one = this.pooled && this.path.indexOf(layer) <= 1;
    return alignUp(Math.max(written, one ? 0 : output.bytes));
  }

  /** Bytes for each step of the way: those of its layer, until the next layer's turn. */
  private phases(bytesOf: (layer: LoweredLayer) => number): Phase[] {
    const way = [this.head, ...this.path];
    return way.map((layer, i) => {
      const next = way[i + 1];
      const first = this.backwardStep(layer);
      const last = next === undefined ? first : this.backwardStep(next) - 1;
      return { first, last, bytes: bytesOf(layer) };
    });
  }

  /**
   * Behind a global pool the signal is one pixel, so the first layer's kept input may lie where the
   * signal is written: pixel p of the one takes the place of pixel p of the other, which is not
   * read any more.
   */
  private overlay(signal: PlanBuffer): RegroupedTensor[] {
    const first = this.writers()[0];
    if (!this.pooled || first === undefined || !this.sites.includes(first)) return [];
    const input = this.tensor(first.input);
    if (this.model.tensors[this.model.inputTensor]?.storage === input.storage) return [];
    signal.group = 'signal';
    signal.groupOffset = 0;
    return [{ tensor: first.input, group: 'signal', groupOffset: 0 }];
  }

  private scratch(): PlanBuffer[] {
    const headInputs = this.tensor(this.head.input).bytes;
    const first = this.backwardStep(this.head);
    const last = this.backwardStep(this.path.at(-1) ?? this.head);
    const span = { first, last, kind: 'training' };
    const phases = this.phases((layer) =>
      layer === this.head ? 4 * headInputs : this.workBytes(layer),
    );
    const work = phases.map(({ bytes }) => bytes);
    return [
      { name: 'pooled', bytes: this.pooled ? headInputs : 0, ...span },
      { name: 'work', bytes: Math.max(...work), ...span, phases },
    ];
  }

  private workBytes(layer: LoweredLayer): number {
    const input = this.tensor(layer.input);
    const output = this.tensor(layer.output);
    if (layer.op === 'DEPTHWISE_CONV_2D') return depthwiseBytes(layer, input, output);
    if (!isDense(layer)) return 0;
    const flat = layer.op === 'FULLY_CONNECTED';
    return denseBytes({
      inputs: flat ? input.bytes : input.channels,
      outputs: output.channels,
      rank: this.sites.includes(layer) ? this.rank : 0,
    });
  }
}

interface DenseShape {
  inputs: number;
  outputs: number;
  rank: number;
}

/** rt_backward_dense_bytes */
function denseBytes({ inputs, outputs, rank }: DenseShape): number {
  const up = (value: number, to: number): number => Math.ceil(value / to) * to;
  const widest = Math.max(inputs, outputs);
  const padded = up(inputs, 8);
  const bytes = up(widest, 4) + 4 * padded + 8 * (outputs + rank);
  if (rank === 0) return bytes;
  const ranks = up(rank, 4);
  const packed = 4 * (ranks + (ranks * up(widest, 4)) / 2);
  return bytes + packed + 2 * padded * rank + 4 * (inputs + outputs) * rank + 4 * 64 * ranks;
}

/** rt_backward_depthwise_bytes */
function depthwiseBytes(layer: LoweredLayer, input: LoweredTensor, output: LoweredTensor): number {
  const { kernelHeight, kernelWidth, padLeft, strideWidth } = layer;
  const last = kernelWidth - padLeft + (output.width - 1) * strideWidth;
  const length = Math.max(input.width + padLeft, last);
  const rows = length >= 256 ? 1 : Math.min(input.height, Math.floor(256 / length));
  const elements = (input.height + kernelHeight) * length + kernelWidth + 9;
  const sums = 8 * Math.ceil((rows * length) / 8);
  return 4 * (elements - (elements % 2)) + 4 + 8 * kernelHeight * kernelWidth + 4 * sums;
}
