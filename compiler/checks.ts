/**
 * What a .tflite has to fulfil so that the engine can run it exactly. Every violation throws one
 * RetuneError of the form "FILE: operator N NAME, tensor M "name": what is wrong; what to change".
 */
import { RetuneError } from '../cli/error.ts';
import { OPERATOR } from './schema.ts';
import type { Quantization, TfGraph, TfOperator, TfTensor } from './tflite.ts';

/** An int8 activation tensor with one scale and batch 1. */
export interface ActivationTensor {
  index: number;
  name: string;
  height: number;
  width: number;
  channels: number;
  scale: number;
  zeroPoint: number;
}

export interface WeightTensor {
  shape: number[];
  values: Int8Array;
  /** One a channel, or a single one for the whole tensor. */
  scales: number[];
}

/** The engine's limits, as native/engine/check.h. */
export const LIMIT = {
  side: 4096,
  pixels: 262144,
  row: 65536,
  patch: 32768,
  classes: 511,
} as const;

const SUPPORTED = new Set<number>([
  OPERATOR.ADD,
  OPERATOR.AVERAGE_POOL_2D,
  OPERATOR.CONV_2D,
  OPERATOR.DEPTHWISE_CONV_2D,
  OPERATOR.FULLY_CONNECTED,
  OPERATOR.RESHAPE,
  OPERATOR.SOFTMAX,
]);
const SUPPORTED_NAMES =
  'CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED, AVERAGE_POOL_2D, ADD, RESHAPE and SOFTMAX';
const QUANTIZE_HINT =
  'convert with full integer quantisation (optimizations = [DEFAULT], a representative_dataset, ' +
  'supported_ops = [TFLITE_BUILTINS_INT8], inference_input_type = int8)';
const STATIC_HINT = 'convert with a fixed input shape and batch 1';

export class ModelChecks {
  private readonly outputs: Set<number>;

  constructor(private readonly graph: TfGraph) {
    this.outputs = new Set(graph.outputs);
  }

  error(
    operator: TfOperator | undefined,
    tensor: TfTensor | undefined,
    what: string,
    change: string,
  ): RetuneError {
    const places: string[] = [];
    if (operator !== undefined) places.push(`operator ${operator.index} ${operator.name}`);
    if (tensor !== undefined) places.push(`tensor ${tensor.index} "${tensor.name}"`);
    const where = places.length > 0 ? `${places.join(', ')}: ` : '';
    return new RetuneError(`${this.graph.file}: ${where}${what}; ${change}`);
  }

  /** Operators to lower. Conversions from and to float at the model's ends are left out. */
  order(): TfOperator[] {
    this.one(this.graph.inputs, 'input');
    this.one(this.graph.outputs, 'output');
    const kept = this.graph.operators.filter((operator) => !this.isEnd(operator));
    for (const operator of kept) {
      if (SUPPORTED.has(operator.code)) continue;
      const tensor = this.graph.tensors[operator.outputs[0] ?? -1];
      throw this.error(operator, tensor, 'this operator is not supported', this.advice(operator));
    }
    return kept;
  }

  private advice(operator: TfOperator): string {
    if (operator.code === OPERATOR.QUANTIZE || operator.code === OPERATOR.DEQUANTIZE) {
      return `it may stand only at the model's input or output; ${QUANTIZE_HINT}`;
    }
    return `build the model from ${SUPPORTED_NAMES}`;
  }

  private one(list: number[], what: string): void {
    if (list.length === 1) return;
    throw this.error(
      undefined,
      undefined,
      `the model has ${list.length} ${what}s`,
      `convert a model with one ${what}`,
    );
  }

  /** QUANTIZE of a float input, DEQUANTIZE to a float output: the engine's ends are int8. */
  private isEnd(operator: TfOperator): boolean {
    const from = this.graph.tensors[operator.inputs[0] ?? -1];
    const to = this.graph.tensors[operator.outputs[0] ?? -1];
    if (operator.code === OPERATOR.QUANTIZE) {
      return (
        from?.index === this.graph.inputs[0] && from?.type === 'float32' && to?.type === 'int8'
      );
    }
    if (operator.code === OPERATOR.DEQUANTIZE) {
      return to !== undefined && this.outputs.has(to.index) && from?.type === 'int8';
    }
    return false;
  }

  /** The int8 input: the graph's, or what QUANTIZE makes of a float one. */
  input(): ActivationTensor {
    const index = this.graph.inputs[0];
    const quantize = this.graph.operators.find(
      (operator) => operator.code === OPERATOR.QUANTIZE && this.isEnd(operator),
    );
    return this.activationAt(undefined, quantize?.outputs[0] ?? index);
  }

  outputIndex(): number {
    const index = this.graph.outputs[0] ?? -1;
    const dequantize = this.graph.operators.find(
      (operator) => operator.code === OPERATOR.DEQUANTIZE && operator.outputs[0] === index,
    );
    return dequantize?.inputs[0] ?? index;
  }

  noOutput(): RetuneError {
    const tensor = this.graph.tensors[this.outputIndex()];
    return this.error(undefined, tensor, 'no operator computes this output', 'convert it again');
  }

  noLayers(): RetuneError {
    return this.error(undefined, undefined, 'the model computes nothing', 'give a trained model');
  }

  notComputed(operator: TfOperator, tensor: number): RetuneError {
    const found = this.graph.tensors[tensor];
    const what =
      found?.data === undefined
        ? 'this input is not computed by an earlier operator'
        : 'this input is a constant where a computed tensor is expected';
    return this.error(operator, found, what, 'convert the model again, with constants folded');
  }

  writtenTwice(operator: TfOperator, tensor: number): RetuneError {
    const found = this.graph.tensors[tensor];
    return this.error(operator, found, 'this tensor is written twice', 'convert the model again');
  }

  private tensor(operator: TfOperator | undefined, index: number | undefined): TfTensor {
    const tensor = this.graph.tensors[index ?? -1];
    if (tensor === undefined) {
      throw this.error(operator, undefined, 'a tensor is missing', 'convert the model again');
    }
    return tensor;
  }

  /** Checks the number of an operator's inputs and outputs. */
  arity(operator: TfOperator, least: number, most: number): void {
    const { inputs, outputs } = operator;
    if (inputs.length >= least && inputs.length <= most && outputs.length === 1) return;
    throw this.error(
      operator,
      undefined,
      `has ${inputs.length} inputs and ${outputs.length} outputs`,
      `it takes ${least === most ? least : `${least} to ${most}`} and gives one; convert it again`,
    );
  }

  inputOf(operator: TfOperator, position: number): ActivationTensor {
    return this.activationAt(operator, operator.inputs[position]);
  }

  outputOf(operator: TfOperator): ActivationTensor {
    return this.activationAt(operator, operator.outputs[0]);
  }

  /** A tensor's own error, for lowering code that holds an index. */
  wrong(
    operator: TfOperator,
    tensor: number | undefined,
    what: string,
    change: string,
  ): RetuneError {
    return this.error(operator, this.graph.tensors[tensor ?? -1], what, change);
  }

  private activationAt(operator: TfOperator | undefined, index?: number): ActivationTensor {
    const tensor = this.tensor(operator, index);
    this.int8(operator, tensor);
    const { scale, zeroPoint } = this.oneScale(operator, tensor);
    return {
      index: tensor.index,
      name: tensor.name,
      ...this.hwc(operator, tensor),
      scale,
      zeroPoint,
    };
  }

  private int8(operator: TfOperator | undefined, tensor: TfTensor): void {
    if (tensor.type === 'int8') return;
    const float = tensor.type === 'float32' || tensor.type === 'float16';
    const what = float
      ? `the model is ${tensor.type} here, not int8`
      : `is ${tensor.type}, not int8`;
    throw this.error(operator, tensor, what, QUANTIZE_HINT);
  }

  private quantization(operator: TfOperator | undefined, tensor: TfTensor): Quantization {
    const quantization = tensor.quantization;
    if (quantization === undefined) {
      throw this.error(operator, tensor, 'has no quantisation (scale, zero point)', QUANTIZE_HINT);
    }
    const { scales, zeroPoints } = quantization;
    if (!scales.every((scale) => Number.isFinite(scale) && scale > 0)) {
      throw this.error(
        operator,
        tensor,
        'has a scale that is not a positive number',
        QUANTIZE_HINT,
      );
    }
    if (zeroPoints.length !== scales.length && zeroPoints.length !== 0) {
      const what = `has ${scales.length} scales but ${zeroPoints.length} zero points`;
      throw this.error(operator, tensor, what, QUANTIZE_HINT);
    }
    return quantization;
  }

  private oneScale(
    operator: TfOperator | undefined,
    tensor: TfTensor,
  ): { scale: number; zeroPoint: number } {
    const { scales, zeroPoints } = this.quantization(operator, tensor);
    const [scale, ...more] = scales;
    if (scale === undefined || more.length > 0) {
      const what = `is an activation with ${scales.length} scales`;
      throw this.error(operator, tensor, what, 'quantise activations per tensor');
    }
    const zeroPoint = zeroPoints[0] ?? 0;
    if (zeroPoint < -128 || zeroPoint > 127) {
      const what = `has zero point ${zeroPoint}, outside -128 to 127`;
      throw this.error(operator, tensor, what, QUANTIZE_HINT);
    }
    return { scale, zeroPoint };
  }

  private hwc(
    operator: TfOperator | undefined,
    tensor: TfTensor,
  ): { height: number; width: number; channels: number } {
    this.staticShape(operator, tensor);
    const text = tensor.shape.join('x');
    if (tensor.shape.length === 0 || tensor.shape.length > 4) {
      const what = `has ${tensor.shape.length} dimensions`;
      throw this.error(operator, tensor, what, 'use shapes of 1 to 4 dimensions, batch first');
    }
    const [batch, ...inner] = tensor.shape.length === 1 ? [1, ...tensor.shape] : tensor.shape;
    if (batch !== 1) {
      throw this.error(operator, tensor, `has batch ${batch} in its shape ${text}`, STATIC_HINT);
    }
    const [channels = 1, width = 1, height = 1] = inner.reverse();
    const large = Math.max(height, width, channels) > LIMIT.side;
    if (large || height * width > LIMIT.pixels || width * channels > LIMIT.row) {
      const what = `has shape ${text}, which is too large for the engine`;
      throw this.error(operator, tensor, what, 'use a smaller model (native/engine/check.h)');
    }
    return { height, width, channels };
  }

  /** Values under the kernel, or inputs of a dense layer. */
  patch(operator: TfOperator, values: number): void {
    if (values <= LIMIT.patch) return;
    const what = `sums ${values} products an output, at most ${LIMIT.patch} are possible`;
    throw this.error(operator, undefined, what, 'use a smaller kernel or fewer channels');
  }

  private staticShape(operator: TfOperator | undefined, tensor: TfTensor): void {
    const dynamic = tensor.shapeSignature.slice(1).some((extent) => extent < 0);
    if (dynamic || tensor.shape.some((extent) => extent < 1)) {
      const shape = dynamic ? tensor.shapeSignature : tensor.shape;
      const what = `has a dynamic or empty shape (${shape.join('x')})`;
      throw this.error(operator, tensor, what, STATIC_HINT);
    }
  }

  /** Constant int8 weights whose scales, if several, run along `axis`. */
  weights(operator: TfOperator, rank: number, axis: number): WeightTensor {
    const tensor = this.tensor(operator, operator.inputs[1]);
    this.int8(operator, tensor);
    if (tensor.data === undefined) {
      const what = 'the weights are not constant';
      throw this.error(operator, tensor, what, 'convert the model with its weights frozen');
    }
    if (tensor.shape.length !== rank || tensor.shape.some((extent) => extent < 1)) {
      const what = `the weights have shape ${tensor.shape.join('x')}, not ${rank} dimensions`;
      throw this.error(operator, tensor, what, 'convert the model again');
    }
    const quantization = this.quantization(operator, tensor);
    this.weightScales(operator, tensor, quantization, axis);
    const { data } = tensor;
    const values = new Int8Array(data.buffer, data.byteOffset, data.length);
    return { shape: tensor.shape, values, scales: quantization.scales };
  }

  private weightScales(
    operator: TfOperator,
    tensor: TfTensor,
    quantization: Quantization,
    axis: number,
  ): void {
    const { scales, zeroPoints, dimension } = quantization;
    if (zeroPoints.some((zeroPoint) => zeroPoint !== 0)) {
      const what = 'the weights have a zero point other than 0';
      throw this.error(operator, tensor, what, 'quantise weights symmetrically');
    }
    if (scales.length === 1) return;
    if (dimension !== axis) {
      const what = `the weights are quantised along axis ${dimension}, not ${axis}`;
      throw this.error(operator, tensor, what, 'quantise per output channel or per tensor');
    }
    if (scales.length !== tensor.shape[axis]) {
      const what = `the weights have ${scales.length} scales for ${tensor.shape[axis]} channels`;
      throw this.error(operator, tensor, what, 'quantise per output channel or per tensor');
    }
  }

  /** The int32 bias, zeros where it is left out. `products` are input scale times weight scale. */
  bias(
    operator: TfOperator,
    channels: number,
    products: (channel: number) => number,
    outputScale: number,
  ): Int32Array {
    const index = operator.inputs[2] ?? -1;
    if (index < 0) return new Int32Array(channels);
    const tensor = this.tensor(operator, index);
    if (tensor.type !== 'int32' || tensor.data === undefined) {
      const what = `the bias is ${tensor.data === undefined ? 'not constant' : tensor.type}`;
      throw this.error(operator, tensor, what, `the bias is constant int32; ${QUANTIZE_HINT}`);
    }
    const { data } = tensor;
    if (data.length !== 4 * channels) {
      const what = `the bias has ${data.length / 4} values for ${channels} channels`;
      throw this.error(operator, tensor, what, 'convert the model again');
    }
    this.biasScales(operator, tensor, channels, products, outputScale);
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    return Int32Array.from({ length: channels }, (_, c) => view.getInt32(4 * c, true));
  }

  /** The tolerance is TensorFlow Lite's: 2 % of an output step for one step of bias. */
  private biasScales(
    operator: TfOperator,
    tensor: TfTensor,
    channels: number,
    products: (channel: number) => number,
    outputScale: number,
  ): void {
    if (tensor.quantization === undefined) return;
    const { scales, zeroPoints } = this.quantization(operator, tensor);
    if (scales.length !== 1 && scales.length !== channels) {
      const what = `the bias has ${scales.length} scales for ${channels} channels`;
      throw this.error(operator, tensor, what, QUANTIZE_HINT);
    }
    if (zeroPoints.some((zeroPoint) => zeroPoint !== 0)) {
      const what = 'the bias has a zero point other than 0';
      throw this.error(operator, tensor, what, QUANTIZE_HINT);
    }
    for (let c = 0; c < channels; c++) {
      const scale = scales.length === 1 ? scales[0] : scales[c];
      if (Math.abs((scale ?? 0) - products(c)) / outputScale <= 0.02) continue;
      const what = `the bias scale of channel ${c} is not input scale times weight scale`;
      throw this.error(operator, tensor, what, QUANTIZE_HINT);
    }
  }

  /** RESHAPE: same bytes, so the same number of elements and the same quantisation. */
  reshape(operator: TfOperator): { from: ActivationTensor; to: ActivationTensor } {
    this.arity(operator, 1, 2);
    const from = this.inputOf(operator, 0);
    const to = this.outputOf(operator);
    const elements = (t: ActivationTensor): number => t.height * t.width * t.channels;
    if (elements(from) !== elements(to)) {
      const what = `reshapes ${elements(from)} elements to ${elements(to)}`;
      throw this.wrong(operator, to.index, what, 'keep the number of elements');
    }
    this.sameQuantization(operator, from, to);
    return { from, to };
  }

  sameQuantization(operator: TfOperator, from: ActivationTensor, to: ActivationTensor): void {
    if (Math.abs(from.scale - to.scale) <= 1e-6 * from.scale && from.zeroPoint === to.zeroPoint) {
      return;
    }
    const what = 'input and output have different scales or zero points';
    throw this.wrong(operator, to.index, what, `this operator keeps them; ${QUANTIZE_HINT}`);
  }
}
