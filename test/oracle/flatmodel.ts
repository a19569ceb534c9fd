/**
 * The few fields of a .tflite flatbuffer that the reference kernels need. Written apart from
 * compiler/ on purpose, so that a misreading there cannot hide: this is the oracle's own reader. It
 * trusts its input (only well-formed files are fed to it).
 */

/** Builtin operator codes of the schema. */
export const OP = {
  ADD: 0,
  AVERAGE_POOL_2D: 1,
  CONV_2D: 3,
  DEPTHWISE_CONV_2D: 4,
  FULLY_CONNECTED: 9,
  RESHAPE: 22,
  SOFTMAX: 25,
} as const;

/** Operators whose second input is a weight tensor. */
const WEIGHTED: number[] = [OP.CONV_2D, OP.DEPTHWISE_CONV_2D, OP.FULLY_CONNECTED];

export interface OracleTensor {
  name: string;
  shape: number[];
  /** 9 = int8, 2 = int32. */
  type: number;
  scales: number[];
  zeroPoint: number;
  /** The axis along which several scales run. */
  dimension: number;
  /** Bytes of a constant; empty for an activation. */
  data: Uint8Array;
}

export interface OracleOp {
  code: number;
  inputs: number[];
  outputs: number[];
  /** Reads field `index` of the options table as the given kind; the schema's default when absent. */
  option(index: number, kind: 'i8' | 'i32' | 'f32', absent: number): number;
}

export interface OracleModel {
  tensors: OracleTensor[];
  ops: OracleOp[];
  inputs: number[];
  outputs: number[];
  /** Positions in the file that the rewrites below change. */
  places: {
    /** First element of the subgraph's outputs vector. */
    outputs: number;
    /** Length of the subgraph's operators vector. */
    operators: number;
    /** The offset that leads to the subgraph's inputs vector. */
    inputs: number;
    /** Length of the metadata vector; 0 when there is none. */
    metadata: number;
    /** Buffer number of every tensor; 0 when the field is absent. */
    buffers: number[];
  };
}

class Reader {
  private readonly view: DataView;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  i8 = (at: number): number => this.view.getInt8(at);
  i32 = (at: number): number => this.view.getInt32(at, true);
  u32 = (at: number): number => this.view.getUint32(at, true);
  f32 = (at: number): number => this.view.getFloat32(at, true);
  i64 = (at: number): number => Number(this.view.getBigInt64(at, true));
  follow = (at: number): number => at + this.u32(at);

  /** Position of a table's field, 0 when absent. */
  field(table: number, index: number): number {
    const vtable = table - this.i32(table);
    const slot = 4 + 2 * index;
    const offset =
      slot < this.view.getUint16(vtable, true) ? this.view.getUint16(vtable + slot, true) : 0;
    return offset ? table + offset : 0;
  }

  subtable(table: number, index: number): number {
    const at = this.field(table, index);
    return at ? this.follow(at) : 0;
  }

  /** Position of the first element and number of elements of a vector field. */
  vector(table: number, index: number): [number, number] {
    const at = this.field(table, index);
    if (!at) return [0, 0];
    const start = this.follow(at);
    return [start + 4, this.u32(start)];
  }

  list(table: number, index: number, size: number, read: (at: number) => number): number[] {
    const [base, count] = this.vector(table, index);
    return Array.from({ length: count }, (_, k) => read(base + k * size));
  }

  tables(table: number, index: number): number[] {
    return this.list(table, index, 4, this.follow);
  }

  text(table: number, index: number): string {
    return Buffer.from(this.block(table, index)).toString('utf8');
  }

  block(table: number, index: number): Uint8Array {
    const [base, count] = this.vector(table, index);
    return this.bytes.subarray(base, base + count);
  }
}

function readTensor(r: Reader, table: number, buffers: number[]): OracleTensor {
  const quantisation = r.subtable(table, 4);
  const dimension = quantisation ? r.field(quantisation, 6) : 0;
  const buffer = r.field(table, 2) ? r.u32(r.field(table, 2)) : 0;
  return {
    name: r.text(table, 3),
    shape: r.list(table, 0, 4, r.i32),
    type: r.field(table, 1) ? r.i8(r.field(table, 1)) : 0,
    scales: quantisation ? r.list(quantisation, 2, 4, r.f32) : [],
    zeroPoint: (quantisation ? r.list(quantisation, 3, 8, r.i64) : [])[0] ?? 0,
    dimension: dimension ? r.i32(dimension) : 0,
    data: r.block(buffers[buffer] as number, 0),
  };
}

function readOp(r: Reader, table: number, codes: number[]): OracleOp {
  const index = r.field(table, 0) ? r.u32(r.field(table, 0)) : 0;
  const options = r.subtable(table, 4);
  return {
    code: codes[index] as number,
    inputs: r.list(table, 1, 4, r.i32),
    outputs: r.list(table, 2, 4, r.i32),
    option(field, kind, absent) {
      const at = options ? r.field(options, field) : 0;
      return at ? r[kind](at) : absent;
    },
  };
}

export function readModel(bytes: Uint8Array): OracleModel {
  const r = new Reader(bytes);
  const root = r.follow(0);
  const graph = r.tables(root, 2)[0] as number;
  const buffers = r.tables(root, 4);
  const codes = r.tables(root, 1).map((code) => {
    // The old 8-bit field and the new 32-bit one: the larger counts.
    const [old, recent] = [r.field(code, 0), r.field(code, 3)];
    return Math.max(old ? r.i8(old) : 0, recent ? r.i32(recent) : 0);
  });
  return {
    tensors: r.tables(graph, 0).map((table) => readTensor(r, table, buffers)),
    ops: r.tables(graph, 3).map((table) => readOp(r, table, codes)),
    inputs: r.list(graph, 1, 4, r.i32),
    outputs: r.list(graph, 2, 4, r.i32),
    places: {
      outputs: r.vector(graph, 2)[0],
      operators: r.vector(graph, 3)[0] - 4,
      inputs: r.field(graph, 1),
      metadata: r.field(root, 6) ? r.vector(root, 6)[0] - 4 : 0,
      buffers: r.tables(graph, 0).map((table) => r.field(table, 2)),
    },
  };
}

/** A copy of the model whose (first) output is another tensor: gives a look inside a runtime. */
export function withOutput(bytes: Uint8Array, tensor: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  new DataView(copy.buffer).setInt32(readModel(bytes).places.outputs, tensor, true);
  return copy;
}

/** A copy of the model that ends after its operator number `last`, without metadata (labels …). */
export function prefix(bytes: Uint8Array, last: number): Uint8Array {
  const { ops, places } = readModel(bytes);
  const copy = withOutput(bytes, ops[last]?.outputs[0] as number);
  const view = new DataView(copy.buffer);
  view.setUint32(places.operators, last + 1, true);
  if (places.metadata) view.setUint32(places.metadata, 0, true);
  return copy;
}

/**
 * A copy of the model whose weights are further inputs instead of constants, and the values to feed
 * there. XNNPACK takes only layers with constant weights, so this makes TensorFlow Lite run its own
 * kernels; the arithmetic that the model asks for stays the same.
 */
export function withWeightsAsInputs(bytes: Uint8Array): { file: Uint8Array; weights: Int8Array[] } {
  const model = readModel(bytes);
  const moved = model.ops
    .filter(({ code }) => WEIGHTED.includes(code))
    .map((op) => op.inputs[1] as number);
  const tensors = [...new Set(moved)];
  const end = Math.ceil(bytes.length / 4) * 4;
  const file = new Uint8Array(end + 4 * (1 + model.inputs.length + tensors.length));
  file.set(bytes);
  const view = new DataView(file.buffer);
  // The longer inputs vector goes to the end of the file; buffer 0 is the empty one by convention.
  view.setUint32(model.places.inputs, end - model.places.inputs, true);
  [model.inputs.length + tensors.length, ...model.inputs, ...tensors].forEach((value, i) => {
    view.setInt32(end + 4 * i, value, true);
  });
  for (const t of tensors) view.setUint32(model.places.buffers[t] as number, 0, true);
  const weights = tensors.map((t) =>
    Int8Array.from((model.tensors[t] as OracleTensor).data, (v) => v),
  );
  return { file, weights };
}
