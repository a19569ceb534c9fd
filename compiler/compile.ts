/**
 * Compiles a .tflite: reads it, lowers it, plans the arena, and gives the description that
 * emit-c.ts and emit-image.ts write. Pure: no files, no clock, no randomness.
 */
import { planArena, type ArenaPlan, type PlanBuffer } from './arena.ts';
import type { Description, StructTable, StructValue, Table } from './layout.ts';
import { lower, type LoweredLayer, type LoweredModel, type LoweredTensor } from './lower.ts';
import { MODEL_MAGIC, MODEL_VERSION, NONE, OP, RtLayer, RtModel, RtTensor } from './model.ts';
import { exactReal } from './quantize.ts';
import { readTflite } from './tflite.ts';

export interface CompiledModel {
  file: string;
  model: LoweredModel;
  buffers: PlanBuffer[];
  plan: ArenaPlan;
  arenaBytes: number;
  description: Description;
}

/** Compiles the bytes of a .tflite; `file` is for messages. Throws RetuneError. */
export function compileModel(bytes: Uint8Array, file: string): CompiledModel {
  const model = lower(readTflite(bytes, file), bytes);
  const buffers = model.storages.map((piece, index) => ({
    name: `tensor:${index}`,
    bytes: piece.bytes,
    first: piece.first,
    last: piece.last,
    kind: 'activation',
  }));
  const plan = planArena(buffers);
  const root = modelTable(model, plan, null);
  return {
    file,
    model,
    buffers,
    plan,
    arenaBytes: plan.peak,
    description: { title: [`Compiled from ${file}`], roots: [root] },
  };
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
      offset_bytes: plan.offsets.get(`tensor:${tensor.storage}`) ?? 0,
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
  };
}
