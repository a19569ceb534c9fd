/**
 * Rewrites a model so that TensorFlow Lite computes it with its *reference* kernels.
 *
 * Its optimised convolution cannot do groups, so a convolution in groups goes to the reference kernel.
 * Any convolution becomes one in g groups, with the same weights and the same result, when its input
 * is repeated g times along the channels: each group then sees the whole input. A dense layer is a
 * 1x1 convolution on a 1x1 picture; a reshape before it hides the scale of its input, so that the
 * product of scales, which TensorFlow Lite rounds to single precision for dense layers only, can be
 * given to the convolution as the scale of its weights. ADD is kept from XNNPACK by its rank.
 */
import {
  TYPE,
  writeTflite,
  type ModelSpec,
  type OperatorSpec,
  type OptionField,
  type TensorSpec,
} from '../support/tflite-writer.ts';
import { OP, readModel, type OracleModel, type OracleOp, type OracleTensor } from './flatmodel.ts';

const CONCATENATION = 2;
const OPTIONS_TYPE = { conv: 1, concatenation: 10, reshape: 17 } as const;
/** The copied operators: type number of the options, and kind of each field in order. */
const COPIED: Record<number, [number, OptionField['kind'][]]> = {
  [OP.CONV_2D]: [OPTIONS_TYPE.conv, ['i8', 'i32', 'i32', 'i8', 'i32', 'i32']],
  [OP.DEPTHWISE_CONV_2D]: [2, ['i8', 'i32', 'i32', 'i32', 'i8', 'i32', 'i32']],
  [OP.AVERAGE_POOL_2D]: [5, ['i8', 'i32', 'i32', 'i32', 'i32', 'i8']],
  [OP.SOFTMAX]: [9, ['f32']],
  [OP.ADD]: [11, ['i8']],
  [OP.RESHAPE]: [OPTIONS_TYPE.reshape, []],
};
/** Dilations default to 1 in the schema, all else to 0. */
const defaultOf = (code: number, index: number): number =>
  (code === OP.CONV_2D && index >= 4) || (code === OP.DEPTHWISE_CONV_2D && index >= 5) ? 1 : 0;

class Rewriter {
  private readonly tensors: TensorSpec[];
  private readonly operators: OperatorSpec[] = [];

  constructor(private readonly model: OracleModel) {
    this.tensors = model.tensors.map((t) => ({
      name: t.name,
      shape: t.shape,
      type: t.type,
      ...(t.scales.length > 0 ? { scales: t.scales } : {}),
      zeroPoint: t.zeroPoint,
      dimension: t.dimension,
      ...(t.data.length > 0 ? { data: t.data } : {}),
    }));
  }

  rewrite(): ModelSpec {
    for (const op of this.model.ops) {
      if (op.code === OP.CONV_2D) this.convolution(op);
      else if (op.code === OP.FULLY_CONNECTED) this.dense(op);
      else if (op.code === OP.ADD) this.addition(op);
      else this.copy(op, op.inputs);
    }
    const { tensors, operators } = this;
    return { tensors, operators, inputs: this.model.inputs, outputs: this.model.outputs };
  }

  private tensor(index: number): OracleTensor {
    return this.model.tensors[index] as OracleTensor;
  }

  private add(tensor: TensorSpec): number {
    return this.tensors.push(tensor) - 1;
  }

  private copy(op: OracleOp, inputs: number[]): void {
    const [optionsType, kinds] = COPIED[op.code] ?? [0, []];
    const options = kinds.map((kind, index) => {
      return { index, kind, value: op.option(index, kind, defaultOf(op.code, index)) };
    });
    this.operators.push({ code: op.code, inputs, outputs: op.outputs, optionsType, options });
  }

  /** The tensor `from` so often along its channels that the outputs fall into as many groups. */
  private repeated(from: number, outChannels: number): number {
    const source = this.tensors[from] as TensorSpec;
    let groups = 2;
    while (outChannels % groups !== 0) groups++;
    const [n, height, width, channels] = source.shape as [number, number, number, number];
    const shape = [n, height, width, channels * groups];
    const to = this.add({ ...source, name: `${source.name} repeated`, shape });
    this.operators.push({
      code: CONCATENATION,
      inputs: Array.from({ length: groups }, () => from),
      outputs: [to],
      optionsType: OPTIONS_TYPE.concatenation,
      options: [{ index: 0, kind: 'i32', value: 3 }],
    });
    return to;
  }

  private convolution(op: OracleOp): void {
    const [input, filter, ...rest] = op.inputs as [number, number];
    const outChannels = this.tensor(filter).shape[0] as number;
    this.copy(op, [this.repeated(input, outChannels), filter, ...rest]);
  }

  private reshape(from: number, to: number): void {
    const { shape } = this.tensors[to] as TensorSpec;
    const data = new Uint8Array(Int32Array.from(shape).buffer);
    const wanted = this.add({ name: 'shape', shape: [shape.length], type: TYPE.int32, data });
    this.operators.push({
      code: OP.RESHAPE,
      inputs: [from, wanted],
      outputs: [to],
      optionsType: 0,
      options: [],
    });
  }

  /** XNNPACK adds tensors of at most six dimensions; more of them change nothing. */
  private addition(op: OracleOp): void {
    const deep = (from: number): number => {
      const source = this.tensors[from] as TensorSpec;
      return this.add({ ...source, name: 'deep', shape: [1, 1, 1, 1, ...source.shape] });
    };
    const inputs = op.inputs.map((from) => {
      const to = deep(from);
      this.reshape(from, to);
      return to;
    });
    const sum = deep(op.outputs[0] as number);
    this.copy({ ...op, outputs: [sum] }, inputs);
    this.reshape(sum, op.outputs[0] as number);
  }

  /** A convolution must have a bias, a dense layer need not. */
  private bias(given: number | undefined, scales: number[], units: number): number {
    if (given !== undefined && given >= 0) return given;
    const data = new Uint8Array(4 * units);
    return this.add({ name: 'no bias', shape: [units], type: TYPE.int32, scales, data });
  }

  private dense(op: OracleOp): void {
    const [input, filter, given] = op.inputs as [number, number, number?];
    const [x, weights] = [this.tensor(input), this.tensor(filter)];
    const output = this.tensors[op.outputs[0] as number] as TensorSpec;
    const [units, depth] = weights.shape as [number, number];
    const inScale = x.scales[0] as number;
    const single = weights.scales.length === 1;
    const picture = this.add({
      name: 'picture',
      shape: [1, 1, 1, depth],
      type: TYPE.int8,
      scales: [single ? 1 : inScale],
      zeroPoint: x.zeroPoint,
    });
    this.reshape(input, picture);
    const scales = single ? [Math.fround(inScale * (weights.scales[0] as number))] : weights.scales;
    const kernel = { name: 'kernel', type: TYPE.int8, scales, data: weights.data };
    const result = this.add({ ...output, name: 'result', shape: [1, 1, 1, units] });
    this.operators.push({
      code: OP.CONV_2D,
      inputs: [
        this.repeated(picture, units),
        this.add({ ...kernel, shape: [units, 1, 1, depth] }),
        this.bias(given, scales, units),
      ],
      outputs: [result],
      optionsType: OPTIONS_TYPE.conv,
      options: [1, 1, 1, op.option(0, 'i8', 0), 1, 1].map((value, index) => {
        return { index, kind: index === 0 || index === 3 ? 'i8' : 'i32', value };
      }),
    });
    this.reshape(result, op.outputs[0] as number);
  }
}

export function forReferenceKernels(bytes: Uint8Array): Uint8Array {
  return writeTflite(new Rewriter(readModel(bytes)).rewrite());
}
