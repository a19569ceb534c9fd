/**
 * Writes small .tflite files: models for tests, and rewritten ones for the oracle. Only what those
 * need of the schema; field numbers are those of TensorFlow Lite's public schema.fbs, version 3.
 */
import { Builder } from 'flatbuffers';

/** Element types of the schema by name. */
export const TYPE = { float32: 0, int32: 2, int64: 4, int8: 9 } as const;

export interface TensorSpec {
  name: string;
  shape: number[];
  type: number;
  scales?: number[];
  zeroPoint?: number;
  /** The axis along which several scales run; 0 by default. */
  dimension?: number;
  /** Constant content; absent for an activation. */
  data?: Uint8Array;
  /** Another tensor whose constant this one shares. */
  sharedWith?: number;
  /** The shape with -1 for dimensions that are not fixed. */
  shapeSignature?: number[];
}

export interface OptionField {
  index: number;
  kind: 'i8' | 'i32' | 'f32';
  value: number;
}

export interface OperatorSpec {
  code: number;
  /** Name of a custom operator (code 32). */
  custom?: string;
  inputs: number[];
  outputs: number[];
  /** The union's type number; 0 for none. */
  optionsType: number;
  options: OptionField[];
}

export interface ModelSpec {
  tensors: TensorSpec[];
  operators: OperatorSpec[];
  inputs: number[];
  outputs: number[];
  /** Named buffers beside the graph. */
  metadata?: Record<string, Uint8Array>;
}

/** Values of a vector of 32-bit offsets or numbers; the builder writes back to front. */
function vector(b: Builder, values: number[], size: number, add: (v: number) => void): number {
  b.startVector(size, values.length, size);
  for (const value of [...values].reverse()) add(value);
  return b.endVector();
}

const ints = (b: Builder, v: number[]): number => vector(b, v, 4, (x) => b.addInt32(x));
const floats = (b: Builder, v: number[]): number => vector(b, v, 4, (x) => b.addFloat32(x));
const longs = (b: Builder, v: number[]): number => vector(b, v, 8, (x) => b.addInt64(BigInt(x)));
const offsets = (b: Builder, v: number[]): number => vector(b, v, 4, (x) => b.addOffset(x));

function writeBuffer(b: Builder, data: Uint8Array | undefined): number {
  let content = 0;
  if (data) {
    b.startVector(1, data.length, 16);
    for (let i = data.length - 1; i >= 0; i--) b.addInt8(data[i] as number);
    content = b.endVector();
  }
  b.startObject(1);
  b.addFieldOffset(0, content, 0);
  return b.endObject();
}

function writeQuantisation(b: Builder, tensor: TensorSpec): number {
  if (!tensor.scales) return 0;
  const scales = floats(b, tensor.scales);
  const zeros = longs(
    b,
    tensor.scales.map(() => tensor.zeroPoint ?? 0),
  );
  b.startObject(7);
  b.addFieldOffset(2, scales, 0);
  b.addFieldOffset(3, zeros, 0);
  b.addFieldInt32(6, tensor.dimension ?? 0, 0);
  return b.endObject();
}

function writeTensor(b: Builder, tensor: TensorSpec, buffer: number): number {
  const name = b.createString(tensor.name);
  const shape = ints(b, tensor.shape);
  const signature = tensor.shapeSignature ? ints(b, tensor.shapeSignature) : 0;
  const quantisation = writeQuantisation(b, tensor);
  b.startObject(8);
  b.addFieldOffset(7, signature, 0);
  b.addFieldOffset(0, shape, 0);
  b.addFieldInt8(1, tensor.type, 0);
  b.addFieldInt32(2, buffer, 0);
  b.addFieldOffset(3, name, 0);
  b.addFieldOffset(4, quantisation, 0);
  return b.endObject();
}

function writeOptions(b: Builder, fields: OptionField[]): number {
  b.startObject(8);
  for (const { index, kind, value } of fields) {
    if (kind === 'i8') b.addFieldInt8(index, value, 0);
    else if (kind === 'i32') b.addFieldInt32(index, value, 0);
    else b.addFieldFloat32(index, value, 0);
  }
  return b.endObject();
}

function writeOperator(b: Builder, op: OperatorSpec, codeIndex: number): number {
  const inputs = ints(b, op.inputs);
  const outputs = ints(b, op.outputs);
  const options = op.optionsType ? writeOptions(b, op.options) : 0;
  b.startObject(9);
  b.addFieldInt32(0, codeIndex, 0);
  b.addFieldOffset(1, inputs, 0);
  b.addFieldOffset(2, outputs, 0);
  b.addFieldInt8(3, op.optionsType, 0);
  b.addFieldOffset(4, options, 0);
  return b.endObject();
}

function writeCode(b: Builder, op: OperatorSpec): number {
  const custom = op.custom === undefined ? 0 : b.createString(op.custom);
  b.startObject(4);
  b.addFieldInt8(0, Math.min(op.code, 127), 0);
  b.addFieldOffset(1, custom, 0);
  b.addFieldInt32(2, 1, 0);
  b.addFieldInt32(3, op.code, 0);
  return b.endObject();
}

function writeGraph(b: Builder, model: ModelSpec): number {
  // Buffer 0 is empty by convention; tensor number k keeps its constant in buffer k + 1.
  const tensors = offsets(
    b,
    model.tensors.map((t, k) => writeTensor(b, t, t.data ? k + 1 : (t.sharedWith ?? -1) + 1)),
  );
  const operators = offsets(
    b,
    model.operators.map((op, k) => writeOperator(b, op, k)),
  );
  const inputs = ints(b, model.inputs);
  const outputs = ints(b, model.outputs);
  b.startObject(5);
  b.addFieldOffset(0, tensors, 0);
  b.addFieldOffset(1, inputs, 0);
  b.addFieldOffset(2, outputs, 0);
  b.addFieldOffset(3, operators, 0);
  return b.endObject();
}

function writeMetadata(b: Builder, name: string, buffer: number): number {
  const text = b.createString(name);
  b.startObject(2);
  b.addFieldOffset(0, text, 0);
  b.addFieldInt32(1, buffer, 0);
  return b.endObject();
}

export function writeTflite(model: ModelSpec): Uint8Array {
  const b = new Builder(1 << 16);
  const extra = Object.entries(model.metadata ?? {});
  const constants = [
    ...model.tensors.map((t) => writeBuffer(b, t.data)),
    ...extra.map(([, data]) => writeBuffer(b, data)),
  ];
  const buffers = offsets(b, [writeBuffer(b, undefined), ...constants]);
  const graphs = offsets(b, [writeGraph(b, model)]);
  const codes = offsets(
    b,
    model.operators.map((op) => writeCode(b, op)),
  );
  const first = model.tensors.length + 1;
  const metadata = offsets(
    b,
    extra.map(([name], k) => writeMetadata(b, name, first + k)),
  );
  const description = b.createString('written by a test of Retune');
  b.startObject(8);
  b.addFieldInt32(0, 3, 0);
  b.addFieldOffset(1, codes, 0);
  b.addFieldOffset(2, graphs, 0);
  b.addFieldOffset(3, description, 0);
  b.addFieldOffset(4, buffers, 0);
  b.addFieldOffset(6, metadata, 0);
  b.finish(b.endObject(), 'TFL3');
  return b.asUint8Array();
}
