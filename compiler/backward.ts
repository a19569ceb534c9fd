/**
 * Plans the backward pass: the way from the head to the first trained layer, where gradients are
 * masked, and the lives of what it needs. The engine's side is native/engine/backward.h.
 */
import type { KeptTensor, RegroupedTensor } from './adapter.ts';
import type { PlanBuffer } from './arena.ts';
import type { LoweredLayer, LoweredModel, LoweredTensor } from './lower.ts';
import { NONE } from './model.ts';

export interface BackwardPath {
  /** From the layer before the head towards the input. */
  layers: LoweredLayer[];
  /** The layer that training cannot pass, where there is one. */
  blocked?: LoweredLayer;
}

/** rt_adapter_step_t */
export interface BackwardStep {
  [member: string]: number;
  layer: number;
  site: number;
  bound: number;
  producer: number;
  input_mask: number;
  output_mask: number;
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
): Backward {
  return new BackwardPlanner(model, head, sites).plan();
}

class BackwardPlanner {
  private readonly path: LoweredLayer[];
  private readonly masks: (Mask & { last: number; bytes: number })[] = [];
  private readonly pooled: boolean;

  constructor(
    private readonly model: LoweredModel,
    private readonly head: LoweredLayer,
    private readonly sites: LoweredLayer[],
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
      bound: pool ? 1 : gainBound(this.model, layer),
      producer: producer?.index ?? NONE,
      input_mask: inputMask,
      output_mask: behindPool ? this.mask(layer, layer) : NONE,
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
    return {
      name: 'signal',
      bytes: 2 * alignUp(Math.max(0, ...elements)),
      first: this.backwardStep(first ?? this.head),
      last: this.backwardStep(end ?? this.head),
      kind: 'training',
    };
  }

  /**
   * Behind a global pool the signal is one pixel, so the first layer's kept input may lie in the
   * upper half of the signal that it writes: pixel p of the signal ends where pixel p of the input
   * begins, or before.
   */
  private overlay(signal: PlanBuffer): RegroupedTensor[] {
    const first = this.writers()[0];
    if (!this.pooled || first === undefined || !this.sites.includes(first)) return [];
    const input = this.tensor(first.input);
    if (this.model.tensors[this.model.inputTensor]?.storage === input.storage) return [];
    signal.group = 'signal';
    signal.groupOffset = 0;
    return [
      { tensor: first.input, group: 'signal', groupOffset: signal.bytes - alignUp(input.bytes) },
    ];
  }

  private scratch(): PlanBuffer[] {
    const dense = this.path.filter(isDense);
    const widths = dense.map((layer) => {
      const input = this.tensor(layer.input);
      const inputs = layer.op === 'FULLY_CONNECTED' ? input.bytes : input.channels;
      return inputs + this.tensor(layer.output).channels;
    });
    const headInputs = this.tensor(this.head.input).bytes;
    const outputs = dense.map((layer) => this.tensor(layer.output).channels);
    const planes = this.path
      .filter((layer) => layer.op === 'DEPTHWISE_CONV_2D')
      .map((layer) => this.tensor(layer.output).height * this.tensor(layer.output).width);
    const first = this.backwardStep(this.head);
    const last = this.backwardStep(this.path.at(-1) ?? this.head);
    const span = { first, last, kind: 'training' };
    // Dense layers use sums and outputs, depthwise ones the plane: never at the same time.
    const group = 'backward scratch';
    const sums = 4 * Math.max(headInputs, ...widths);
    return [
      { name: 'pooled', bytes: this.pooled ? 2 * headInputs : 0, ...span },
      { name: 'sums', bytes: sums, ...span, group, groupOffset: 0 },
      {
        name: 'outputs',
        bytes: 2 * Math.max(0, ...outputs),
        ...span,
        group,
        groupOffset: alignUp(sums),
      },
      { name: 'plane', bytes: 2 * Math.max(0, ...planes), ...span, group, groupOffset: 0 },
    ];
  }
}

/**
 * Largest sum over a layer's outputs of |weight| times the channel's share of the largest
 * requantisation factor: how much a gradient can grow on its way through.
 */
function gainBound(model: LoweredModel, layer: LoweredLayer): number {
  const { weights, multiplier, shift } = layer;
  if (!weights || !multiplier || !shift) throw new Error(`${layer.name} has no weights`);
  const largest = Math.max(...shift.values);
  const channels = multiplier.values.length;
  const share = Array.from(
    multiplier.values,
    (m, c) => m / 2 ** 31 / 2 ** (largest - (shift.values[c] ?? 0)),
  );
  const depthwise = layer.op === 'DEPTHWISE_CONV_2D';
  const inputs = depthwise ? channels : weights.values.length / channels;
  const sums = new Float64Array(inputs);
  weights.values.forEach((weight, i) => {
    const c = depthwise ? i % channels : Math.floor(i / inputs);
    const at = i % inputs;
    sums[at] = (sums[at] ?? 0) + Math.abs(weight) * (share[c] ?? 0);
  });
  return Math.ceil(Math.max(1, ...sums)) + 1;
}
