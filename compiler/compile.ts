/**
 * Compiles a .tflite: reads it, lowers it, plans the arena, and gives the description that
 * emit-c.ts and emit-image.ts write. Pure: no files, no clock, no randomness.
 */
import { basename } from 'node:path';
import { storageBuffer, type AdapterOptions, type TrainingPlan } from './adapter.ts';
import type { ArenaPlan, Overlay, PlanBuffer } from './arena.ts';
import { featureSource, resolveFeatures, type FeatureOptions, type Features } from './features.ts';
import type { Description, StructTable, StructValue, Table } from './layout.ts';
import { lower, type LoweredLayer, type LoweredModel, type LoweredTensor } from './lower.ts';
import { MODEL_MAGIC, MODEL_VERSION, NONE, OP, RtLayer, RtModel, RtTensor } from './model.ts';
import { packModel } from './packing.ts';
import { overlaysOf } from './overlap.ts';
import { planPinned, type PinnedPlan, type Pins } from './pins.ts';
import { exactReal } from './quantize.ts';
import { readTflite } from './tflite.ts';
import { planTraining } from './training.ts';

export interface CompileOptions {
  adapter?: AdapterOptions;
  /** Win over what the model's own metadata says. */
  features?: FeatureOptions;
  labels?: string[];
  /** Buffers that belong in a memory bank. */
  pins?: Pins;
  /** Also the tables that the boards' kernels are fast with (packing.ts); the WebAssembly needs none. */
  packed?: boolean;
}

export interface CompiledModel {
  file: string;
  model: LoweredModel;
  /** One an output, in order; numbers where nobody named them. */
  labels: string[];
  features?: Features;
  adapter?: AdapterOptions;
  training?: TrainingPlan;
  buffers: PlanBuffer[];
  overlays: Overlay[];
  plan: PinnedPlan;
  arenaBytes: number;
  description: Description;
}

/** Compiles the bytes of a .tflite; `file` is for messages. Throws RetuneError. */
export function compileModel(
  bytes: Uint8Array,
  file: string,
  options: CompileOptions = {},
): CompiledModel {
  const model = lower(readTflite(bytes, file), bytes);
  if (options.packed === true) packModel(model);
  const { features, labels } = resolveFeatures(model, options);
  const { adapter } = options;
  const training =
    adapter === undefined || adapter.method === 'none' ? undefined : planTraining(model, adapter);
  const buffers = arenaBuffers(model, training);
  const overlays = overlaysOf(model, buffers);
  const nameOf = ({ name }: PlanBuffer): string => bufferName(model, name);
  const plan = planPinned(buffers, { overlays }, options.pins, nameOf);
  const table = training?.build((name) => offsetOf(plan, name)) ?? null;
  const roots = [modelTable(model, plan, table)];
  if (features !== undefined) roots.push(features.table);
  const title = titleOf(model, adapter);
  const description = { title, roots, source: featureSource(features, labels) };
  const arenaBytes = plan.peak;
  return {
    file,
    model,
    labels,
    features,
    adapter,
    training,
    buffers,
    overlays,
    plan,
    arenaBytes,
    description,
  };
}

/** Activations are known by their name in the model, training buffers by their own. */
export function bufferName(model: LoweredModel, name: string): string {
  const match = /^tensor:(\d+)$/.exec(name);
  return match === null ? name : (model.storages[Number(match[1])]?.name ?? name);
}

function titleOf(model: LoweredModel, adapter: AdapterOptions | undefined): string[] {
  return [
    `Model: ${basename(model.file)}, SHA-256 ${model.sha256}`,
    `${model.layers.length} layers, ${model.macs} multiply-accumulates an inference`,
    `Adapter: ${adapter?.method ?? 'none'}`,
  ];
}

function offsetOf(plan: ArenaPlan, name: string): number {
  const offset = plan.offsets.get(name);
  if (offset === undefined) throw new Error(`the arena has no buffer ${name}`);
  return offset;
}

/** Activations with the lives that inference alone gives them. */
export function inferenceBuffers(model: LoweredModel): PlanBuffer[] {
  return model.storages.map((piece, index) => ({
    name: storageBuffer(index),
    bytes: piece.bytes,
    first: piece.first,
    last: piece.last,
    kind: 'activation',
  }));
}

/** Activations with the lives that training gives them, and training's own buffers. */
function arenaBuffers(model: LoweredModel, training: TrainingPlan | undefined): PlanBuffer[] {
  const buffers = inferenceBuffers(model);
  if (training === undefined) return buffers;
  const bufferOf = (tensor: number): PlanBuffer => {
    const buffer = buffers[model.tensors[tensor]?.storage ?? -1];
    if (buffer === undefined) throw new Error(`there is no tensor ${tensor}`);
    return buffer;
  };
  // The caller may ask to remember the input once it has seen the output.
  bufferOf(model.inputTensor).last = model.layers.length - 1;
  for (const { tensor, last } of training.keep ?? []) {
    const buffer = bufferOf(tensor);
    buffer.last = Math.max(buffer.last, last);
  }
  for (const { tensor, group, groupOffset } of training.regroup ?? []) {
    Object.assign(bufferOf(tensor), { group, groupOffset });
  }
  return [...buffers, ...training.buffers];
}

function modelTable(model: LoweredModel, plan: ArenaPlan, adapter: Table | null): StructTable {
  return {
    name: 'rt_model',
    type: RtModel,
    values: [
      {
        magic: MODEL_MAGIC,
        version: MODEL_VERSION,
        hash: model.hash,
        arena_bytes: plan.peak,
        tensor_count: model.tensors.length,
        tensors: tensorTable(model, plan),
        layer_count: model.layers.length,
        layers: layerTable(model),
        input_tensor: model.inputTensor,
        output_tensor: model.outputTensor,
        adapter,
      },
    ],
  };
}

const shapeOf = (t: LoweredTensor): string => `${t.height}x${t.width}x${t.channels}`;

function tensorTable(model: LoweredModel, plan: ArenaPlan): StructTable {
  return {
    name: 'tensors',
    type: RtTensor,
    values: model.tensors.map((tensor) => ({
      offset_bytes: offsetOf(plan, storageBuffer(tensor.storage)),
      height: tensor.height,
      width: tensor.width,
      channels: tensor.channels,
      zero_point: tensor.zeroPoint,
      scale: { ...exactReal(tensor.scale) },
    })),
    comments: model.tensors.map((t) => `${t.index}: ${t.name} ${shapeOf(t)}, scale ${t.scale}`),
  };
}

function layerTable(model: LoweredModel): StructTable {
  return {
    name: 'layers',
    type: RtLayer,
    values: model.layers.map(layerValue),
    comments: model.layers.map((layer) => `${layer.index}: ${layer.name}, ${layer.macs} MAC`),
  };
}

function layerValue(layer: LoweredLayer): StructValue {
  return {
    op: OP[layer.op],
    input: layer.input,
    input2: layer.input2 ?? NONE,
    output: layer.output,
    kernel_height: layer.kernelHeight,
    kernel_width: layer.kernelWidth,
    stride_height: layer.strideHeight,
    stride_width: layer.strideWidth,
    pad_top: layer.padTop,
    pad_left: layer.padLeft,
    activation_min: layer.activationMin,
    activation_max: layer.activationMax,
    weights: layer.weights ?? null,
    bias: layer.bias ?? null,
    multiplier: layer.multiplier ?? null,
    shift: layer.shift ?? null,
    weight_scale: layer.weightScale ?? null,
    add: layer.add ?? null,
    softmax: layer.softmax ?? null,
    packed: layer.packed ?? null,
    quick: layer.quick ?? null,
  };
}
