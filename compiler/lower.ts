/**
 * From a TensorFlow Lite graph to layers and tensors as native/engine/model.h wants them. Nothing is
 * placed in memory yet: tensors refer to storages, which arena.ts places.
 *
 * The file is checked completely: an operator, type, shape or quantisation that the engine cannot
 * run exactly gives one RetuneError that names file, operator and tensor and says what to change.
 */
import { createHash } from 'node:crypto';
import { ModelChecks, type ActivationTensor } from './checks.ts';
import { Interner } from './intern.ts';
import type { ArrayTable, StructTable } from './layout.ts';
import { lowerOperator, type LayerParts } from './operators.ts';
import type { OpName } from './model.ts';
import { OPERATOR } from './schema.ts';
import type { TfGraph, TfOperator } from './tflite.ts';

export interface LoweredTensor {
  /** Position in rt_model_t.tensors. */
  index: number;
  name: string;
  height: number;
  width: number;
  channels: number;
  bytes: number;
  scale: number;
  zeroPoint: number;
  /** Position in LoweredModel.storages: tensors of one storage are the same bytes. */
  storage: number;
}

export interface LoweredLayer {
  /** Position in the order of execution. */
  index: number;
  op: OpName;
  /** "OPERATOR output name", for messages and comments. */
  name: string;
  /** Operator in the .tflite. */
  operator: number;
  input: number;
  input2?: number;
  output: number;
  kernelHeight: number;
  kernelWidth: number;
  strideHeight: number;
  strideWidth: number;
  padTop: number;
  padLeft: number;
  activationMin: number;
  activationMax: number;
  /** Multiply-accumulates, additions for pooling and ADD. */
  macs: number;
  weights?: ArrayTable;
  bias?: ArrayTable;
  multiplier?: ArrayTable;
  shift?: ArrayTable;
  weightScale?: StructTable;
  add?: StructTable;
  softmax?: StructTable;
  /** Weights and bias in the order of a board's kernel (packing.ts). */
  packed?: ArrayTable;
  /** What requantise.h prepares per channel. */
  quick?: ArrayTable;
}

/** A piece of the arena that one or several tensors share, with its life in layer steps. */
export interface Storage {
  name: string;
  bytes: number;
  first: number;
  last: number;
}

export interface LoweredModel {
  file: string;
  description: string;
  /** First four bytes of the file's SHA-256, little-endian. */
  hash: number;
  sha256: string;
  tensors: LoweredTensor[];
  layers: LoweredLayer[];
  storages: Storage[];
  inputTensor: number;
  outputTensor: number;
  macs: number;
  metadata: Map<string, Uint8Array>;
}

/** Lowers a graph. `bytes` is the file it was read from, for the hash. */
export function lower(graph: TfGraph, bytes: Uint8Array): LoweredModel {
  return new Lowering(graph).run(bytes);
}

/** The converter joins the names of everything it fused with semicolons; the first says enough. */
const firstName = (name: string): string => name.split(';')[0] || name;

class Lowering {
  private readonly checks: ModelChecks;
  private readonly interner = new Interner();
  private readonly tensors: LoweredTensor[] = [];
  private readonly layers: LoweredLayer[] = [];
  private readonly storages: Storage[] = [];
  /** Tensor of the .tflite to tensor of the compiled model, for those computed so far. */
  private readonly live = new Map<number, LoweredTensor>();

  constructor(private readonly graph: TfGraph) {
    this.checks = new ModelChecks(graph);
  }

  run(bytes: Uint8Array): LoweredModel {
    const operators = this.checks.order();
    const input = this.define(this.checks.input(), this.newStorage(0));
    for (const operator of operators) this.lowerOne(operator);
    const output = this.live.get(this.checks.outputIndex());
    if (output === undefined) throw this.checks.noOutput();
    if (this.layers.length === 0) throw this.checks.noLayers();
    this.closeLifetimes(output);
    const digest = createHash('sha256').update(bytes).digest();
    return {
      file: this.graph.file,
      description: this.graph.description,
      hash: digest.readUInt32LE(0),
      sha256: digest.toString('hex'),
      tensors: this.tensors,
      layers: this.layers,
      storages: this.storages,
      inputTensor: input.index,
      outputTensor: output.index,
      macs: this.layers.reduce((sum, layer) => sum + layer.macs, 0),
      metadata: this.graph.metadata,
    };
  }

  private lowerOne(operator: TfOperator): void {
    if (operator.code === OPERATOR.RESHAPE) this.reshape(operator);
    else this.layer(operator);
  }

  /** RESHAPE moves nothing: the output is another view of the input's bytes. */
  private reshape(operator: TfOperator): void {
    const { from, to } = this.checks.reshape(operator);
    const input = this.computed(operator, from.index);
    const same =
      input.height === to.height && input.width === to.width && input.channels === to.channels;
    if (same && !this.live.has(to.index)) this.live.set(to.index, input);
    else this.define(to, input.storage, operator);
  }

  private layer(operator: TfOperator): void {
    const parts = lowerOperator(this.checks, this.interner, operator);
    const step = this.layers.length;
    const inputs = parts.inputs.map((tensor) => this.computed(operator, tensor.index));
    for (const input of inputs) this.storage(input).last = step;
    const output = this.define(parts.output, this.newStorage(step), operator);
    const [input, input2] = inputs;
    if (input === undefined) throw new Error('a layer has an input');
    this.layers.push(layerOf(parts, operator, step, input, input2, output));
  }

  private computed(operator: TfOperator, tensor: number): LoweredTensor {
    const found = this.live.get(tensor);
    if (found === undefined) throw this.checks.notComputed(operator, tensor);
    return found;
  }

  private define(tensor: ActivationTensor, storage: number, operator?: TfOperator): LoweredTensor {
    if (operator !== undefined && this.live.has(tensor.index)) {
      throw this.checks.writtenTwice(operator, tensor.index);
    }
    const lowered: LoweredTensor = {
      index: this.tensors.length,
      name: firstName(tensor.name),
      height: tensor.height,
      width: tensor.width,
      channels: tensor.channels,
      bytes: tensor.height * tensor.width * tensor.channels,
      scale: tensor.scale,
      zeroPoint: tensor.zeroPoint,
      storage,
    };
    this.tensors.push(lowered);
    this.live.set(tensor.index, lowered);
    const piece = this.storage(lowered);
    piece.bytes = Math.max(piece.bytes, lowered.bytes);
    piece.name ||= lowered.name;
    return lowered;
  }

  private newStorage(step: number): number {
    this.storages.push({ name: '', bytes: 0, first: step, last: step });
    return this.storages.length - 1;
  }

  private storage(tensor: LoweredTensor): Storage {
    const piece = this.storages[tensor.storage];
    if (piece === undefined) throw new Error(`tensor ${tensor.index} has no storage`);
    return piece;
  }

  /** The output is read by the caller after the last step. */
  private closeLifetimes(output: LoweredTensor): void {
    this.storage(output).last = this.layers.length - 1;
  }
}

function layerOf(
  parts: LayerParts,
  operator: TfOperator,
  index: number,
  input: LoweredTensor,
  input2: LoweredTensor | undefined,
  output: LoweredTensor,
): LoweredLayer {
  const layer: LoweredLayer = {
    index,
    op: parts.op,
    name: `${parts.op} ${output.name}`,
    operator: operator.index,
    input: input.index,
    output: output.index,
    kernelHeight: parts.kernelHeight ?? 1,
    kernelWidth: parts.kernelWidth ?? 1,
    strideHeight: parts.strideHeight ?? 1,
    strideWidth: parts.strideWidth ?? 1,
    padTop: parts.padTop ?? 0,
    padLeft: parts.padLeft ?? 0,
    activationMin: parts.range.min,
    activationMax: parts.range.max,
    macs: parts.macs,
    ...parts.tables,
  };
  if (input2 !== undefined) layer.input2 = input2.index;
  return layer;
}
