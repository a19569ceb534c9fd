/**
 * Reads a .tflite file into a plain typed graph. Structure is checked here (every index refers to
 * something, every constant has the size of its shape); what the operators mean is checked in
 * lower.ts. Any malformed input gives one RetuneError that names the file.
 */
import { RetuneError } from '../cli/error.ts';
import { FlatBuffer, MalformedError, type TableView } from './flatbuffer.ts';
import {
  ACTIVATIONS,
  ELEMENT_BYTES,
  FIELD,
  OPERATOR,
  OPTIONS,
  PADDING,
  TENSOR_TYPES,
  operatorName,
  type Activation,
  type Padding,
  type TensorType,
} from './schema.ts';

export interface Quantization {
  scales: number[];
  zeroPoints: number[];
  /** The axis that scales run along when there is more than one. */
  dimension: number;
}

export interface TfTensor {
  index: number;
  name: string;
  type: TensorType;
  shape: number[];
  /** As shape, with -1 for a dimension that is only known at run time; empty where not given. */
  shapeSignature: number[];
  quantization?: Quantization;
  /** Present for constants: a view into the file. */
  data?: Uint8Array;
}

export interface Window {
  padding: Padding;
  strideHeight: number;
  strideWidth: number;
}

export type Options =
  | ({ kind: 'conv2d'; activation: Activation; dilation: [number, number] } & Window)
  | ({
      kind: 'depthwiseConv2d';
      activation: Activation;
      dilation: [number, number];
      multiplier: number;
    } & Window)
  | ({
      kind: 'pool2d';
      activation: Activation;
      filterHeight: number;
      filterWidth: number;
    } & Window)
  | { kind: 'fullyConnected'; activation: Activation; weightsFormat: number }
  | { kind: 'add'; activation: Activation }
  | { kind: 'softmax'; beta: number }
  | { kind: 'none' };

export interface TfOperator {
  index: number;
  code: number;
  /** Name of the operator; the custom code for custom operators. */
  name: string;
  /** Tensor indices, -1 for an optional input that is left out. */
  inputs: number[];
  outputs: number[];
  options: Options;
}

export interface TfGraph {
  file: string;
  description: string;
  tensors: TfTensor[];
  operators: TfOperator[];
  inputs: number[];
  outputs: number[];
  metadata: Map<string, Uint8Array>;
}

const IDENTIFIER = 'TFL3';
const MAX_RANK = 8;
const MAX_OPERATORS = 1024;
const MAX_TENSORS = 8192;
const MAX_ELEMENTS = 2 ** 30;

/** Reads a model. Throws one RetuneError that names the file for anything that is not one. */
export function readTflite(bytes: Uint8Array, file: string): TfGraph {
  checkIdentifier(bytes, file);
  try {
    return readModel(new FlatBuffer(bytes), file);
  } catch (error) {
    if (error instanceof MalformedError) {
      throw new RetuneError(
        `${file}: the .tflite is truncated or damaged: ${error.message}; copy or convert it again`,
      );
    }
    throw error;
  }
}

function checkIdentifier(bytes: Uint8Array, file: string): void {
  if (bytes.length < 8) {
    throw new RetuneError(
      `${file}: ${bytes.length} bytes are too few for a .tflite model; copy or convert it again`,
    );
  }
  if (String.fromCharCode(...bytes.subarray(4, 8)) !== IDENTIFIER) {
    throw new RetuneError(
      `${file}: not a TensorFlow Lite model (bytes 4 to 7 are not "${IDENTIFIER}"); ` +
        'give the .tflite file that the TensorFlow Lite converter wrote',
    );
  }
}

function readModel(buffer: FlatBuffer, file: string): TfGraph {
  const model = buffer.root();
  const version = model.uint32(FIELD.model.version);
  if (version !== 3) throw new MalformedError(`schema version ${version} instead of 3`);
  const subgraphs = model.tables(FIELD.model.subgraphs, 'subgraph');
  const graph = subgraphs[0];
  if (graph === undefined || subgraphs.length > 1) {
    throw new RetuneError(
      `${file}: has ${subgraphs.length} subgraphs; convert a model without control flow and with ` +
        'one signature, so that there is exactly one',
    );
  }
  const buffers = model.tables(FIELD.model.buffers, 'buffer').map(readBuffer);
  const codes = model.tables(FIELD.model.operatorCodes, 'operator code').map(readCode);
  const tensorTables = graph.tables(FIELD.subgraph.tensors, 'tensor');
  const operatorTables = graph.tables(FIELD.subgraph.operators, 'operator');
  limit(tensorTables.length, MAX_TENSORS, 'tensors', file);
  limit(operatorTables.length, MAX_OPERATORS, 'operators', file);
  const tensors = tensorTables.map((table, index) => readTensor(table, index, buffers));
  return {
    file,
    description: model.string(FIELD.model.description, 'description'),
    tensors,
    operators: operatorTables.map((t, index) => readOperator(t, index, codes, tensors.length)),
    inputs: indices(graph.int32s(FIELD.subgraph.inputs, 'graph inputs'), 0, tensors.length),
    outputs: indices(graph.int32s(FIELD.subgraph.outputs, 'graph outputs'), 0, tensors.length),
    metadata: readMetadata(model, buffers),
  };
}

function limit(count: number, most: number, what: string, file: string): void {
  if (count > most) {
    throw new RetuneError(
      `${file}: has ${count} ${what}, at most ${most} are read; use a smaller model`,
    );
  }
}

function readBuffer(table: TableView): Uint8Array {
  if (table.uint64(FIELD.buffer.offset) > 1n) {
    throw new MalformedError(`${table.what} is kept outside the flatbuffer`);
  }
  return table.bytes(FIELD.buffer.data, table.what);
}

interface OperatorCode {
  code: number;
  custom: string;
}

function readCode(table: TableView): OperatorCode {
  const f = FIELD.operatorCode;
  return {
    code: Math.max(table.uint8(f.deprecatedBuiltinCode), table.int32(f.builtinCode)),
    custom: table.string(f.customCode, table.what),
  };
}

function readMetadata(model: TableView, buffers: Uint8Array[]): Map<string, Uint8Array> {
  const entries = new Map<string, Uint8Array>();
  for (const table of model.tables(FIELD.model.metadata, 'metadata')) {
    const data = buffers[table.uint32(FIELD.metadata.buffer)];
    if (data === undefined)
      throw new MalformedError(`${table.what} names a buffer that is missing`);
    entries.set(table.string(FIELD.metadata.name, table.what), data);
  }
  return entries;
}

function indices(list: number[], least: number, count: number): number[] {
  for (const index of list) {
    if (index < least || index >= count) throw new MalformedError(`tensor ${index} does not exist`);
  }
  return list;
}

function readTensor(table: TableView, index: number, buffers: Uint8Array[]): TfTensor {
  const f = FIELD.tensor;
  const what = `tensor ${index}`;
  const type = TENSOR_TYPES[table.uint8(f.type)];
  if (type === undefined)
    throw new MalformedError(`${what} has unknown type ${table.uint8(f.type)}`);
  const shape = table.int32s(f.shape, `shape of ${what}`);
  checkShape(shape, what);
  const data = buffers[table.uint32(f.buffer)];
  if (data === undefined) throw new MalformedError(`${what} names a buffer that is missing`);
  const tensor: TfTensor = {
    index,
    name: table.string(f.name, `name of ${what}`) || `tensor_${index}`,
    type,
    shape,
    shapeSignature: table.int32s(f.shapeSignature, `shape signature of ${what}`),
  };
  const quantization = table.table(f.quantization, `quantisation of ${what}`);
  if (quantization !== undefined) tensor.quantization = readQuantization(quantization);
  if (data.length > 0) tensor.data = checkedConstant(tensor, data, table.has(f.sparsity));
  return tensor;
}

function checkShape(shape: number[], what: string): void {
  if (shape.length > MAX_RANK) throw new MalformedError(`${what} has ${shape.length} dimensions`);
  let elements = 1;
  for (const extent of shape) elements *= Math.max(1, Math.abs(extent));
  if (elements > MAX_ELEMENTS) throw new MalformedError(`${what} has ${elements} elements`);
}

function checkedConstant(tensor: TfTensor, data: Uint8Array, sparse: boolean): Uint8Array {
  const what = `tensor ${tensor.index} "${tensor.name}"`;
  if (sparse) throw new MalformedError(`${what} is sparse, which is not supported`);
  const elementBytes = ELEMENT_BYTES[tensor.type];
  if (elementBytes === undefined) return data;
  const bytes = tensor.shape.reduce((product, extent) => product * extent, elementBytes);
  if (bytes !== data.length) {
    throw new MalformedError(`${what} has ${data.length} bytes of data, its shape needs ${bytes}`);
  }
  return data;
}

function readQuantization(table: TableView): Quantization | undefined {
  const f = FIELD.quantization;
  const scales = table.float32s(f.scale, `scales in ${table.what}`);
  const zeroPoints = table.int64s(f.zeroPoint, `zero points in ${table.what}`).map(Number);
  if (table.uint8(f.detailsType) !== 0) {
    throw new MalformedError(`${table.what} is a custom one, which is not supported`);
  }
  if (scales.length === 0) return undefined;
  return { scales, zeroPoints, dimension: table.int32(f.dimension) };
}

function readOperator(
  table: TableView,
  index: number,
  codes: OperatorCode[],
  tensorCount: number,
): TfOperator {
  const f = FIELD.operator;
  const code = codes[table.uint32(f.opcodeIndex)];
  if (code === undefined) throw new MalformedError(`operator ${index} has no operator code`);
  const custom = code.code === OPERATOR.CUSTOM;
  return {
    index,
    code: code.code,
    name: custom ? `custom operator "${code.custom}"` : operatorName(code.code),
    inputs: indices(table.int32s(f.inputs, `inputs of operator ${index}`), -1, tensorCount),
    outputs: indices(table.int32s(f.outputs, `outputs of operator ${index}`), 0, tensorCount),
    options: readOptions(table, index),
  };
}

function readOptions(operator: TableView, index: number): Options {
  const what = `options of operator ${index}`;
  const table = operator.table(FIELD.operator.options, what);
  if (table === undefined) return { kind: 'none' };
  switch (operator.uint8(FIELD.operator.optionsType)) {
    case OPTIONS.conv2d:
      return readConv2d(table);
    case OPTIONS.depthwiseConv2d:
      return readDepthwise(table);
    case OPTIONS.pool2d:
      return readPool2d(table);
    case OPTIONS.fullyConnected: {
      const f = FIELD.fullyConnected;
      const activation = activationOf(table, f.activation);
      return { kind: 'fullyConnected', activation, weightsFormat: table.uint8(f.weightsFormat) };
    }
    case OPTIONS.add:
      return { kind: 'add', activation: activationOf(table, FIELD.add.activation) };
    case OPTIONS.softmax:
      return { kind: 'softmax', beta: table.float32(FIELD.softmax.beta) };
    default:
      return { kind: 'none' };
  }
}

function readConv2d(table: TableView): Options {
  const f = FIELD.conv2d;
  return {
    kind: 'conv2d',
    ...windowOf(table, f),
    activation: activationOf(table, f.activation),
    dilation: [table.int32(f.dilationH, 1), table.int32(f.dilationW, 1)],
  };
}

function readDepthwise(table: TableView): Options {
  const f = FIELD.depthwise;
  return {
    kind: 'depthwiseConv2d',
    ...windowOf(table, f),
    activation: activationOf(table, f.activation),
    dilation: [table.int32(f.dilationH, 1), table.int32(f.dilationW, 1)],
    multiplier: table.int32(f.multiplier),
  };
}

function readPool2d(table: TableView): Options {
  const f = FIELD.pool2d;
  return {
    kind: 'pool2d',
    ...windowOf(table, f),
    activation: activationOf(table, f.activation),
    filterHeight: table.int32(f.filterH),
    filterWidth: table.int32(f.filterW),
  };
}

function windowOf(
  table: TableView,
  f: { padding: number; strideW: number; strideH: number },
): Window {
  const padding = PADDING[table.uint8(f.padding)];
  if (padding === undefined) throw new MalformedError(`${table.what} have an unknown padding`);
  return { padding, strideHeight: table.int32(f.strideH), strideWidth: table.int32(f.strideW) };
}

function activationOf(table: TableView, field: number): Activation {
  const activation = ACTIVATIONS[table.uint8(field)];
  if (activation === undefined) {
    throw new MalformedError(`${table.what} have an unknown fused activation`);
  }
  return activation;
}
