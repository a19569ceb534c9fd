/**
 * Well-formed random networks over all operators that the compiler knows: shapes, strides, paddings,
 * activations, scales and zero points that the reference models do not have.
 */
import { Random } from './random.ts';
import {
  TYPE,
  type ModelSpec,
  type OperatorSpec,
  type OptionField,
  type TensorSpec,
} from './tflite-writer.ts';

const CODE = {
  add: 0,
  pool: 1,
  conv: 3,
  depthwise: 4,
  dense: 9,
  reshape: 22,
  softmax: 25,
} as const;
const OPTIONS = { conv: 1, depthwise: 2, pool: 5, dense: 8, softmax: 9, add: 11 } as const;
const SAME = 0;

/** An activation under construction. */
interface Point {
  tensor: number;
  shape: number[];
  scale: number;
}

interface Axis {
  kernel: number;
  stride: number;
  out: number;
}

const int = (index: number, value: number): OptionField => ({ index, kind: 'i32', value });
const byte = (index: number, value: number): OptionField => ({ index, kind: 'i8', value });

class Generator {
  readonly spec: ModelSpec = { tensors: [], operators: [], inputs: [0], outputs: [] };

  constructor(private readonly random: Random) {}

  run(): ModelSpec {
    const { random } = this;
    const side = (): number => random.between(1, 12);
    let at = this.activation([1, side(), side(), random.pick([1, 2, 3, 4, 8])], this.scale());
    for (let n = random.between(1, 5); n > 0; n--) at = this.layer(at);
    if (random.oneIn(2)) {
      at = this.dense(this.flat(at));
      if (random.oneIn(2)) at = this.dense(at);
      at = random.oneIn(2) ? this.softmax(at) : at;
    }
    this.spec.outputs = [at.tensor];
    return this.spec;
  }

  /** None, ReLU or ReLU6: what the compiler takes. */
  private activationKind(): number {
    return this.random.pick([0, 0, 1, 3]);
  }

  private scale(): number {
    return Math.fround((1 + this.random.below(1000) / 1000) * 2 ** -this.random.between(2, 9));
  }

  private tensor(tensor: TensorSpec): number {
    return this.spec.tensors.push(tensor) - 1;
  }

  private activation(shape: number[], scale: number, zero?: number): Point {
    const { random } = this;
    const tensor = this.tensor({
      name: `activation_${this.spec.tensors.length}`,
      shape,
      type: TYPE.int8,
      scales: [scale],
      zeroPoint: zero ?? random.pick([-128, -100, 0, random.between(-80, 80)]),
    });
    return { tensor, shape, scale };
  }

  private operator(
    code: number,
    inputs: number[],
    output: Point,
    optionsType: number,
    options: OptionField[],
  ): Point {
    const op: OperatorSpec = { code, inputs, outputs: [output.tensor], optionsType, options };
    this.spec.operators.push(op);
    return output;
  }

  private layer(from: Point): Point {
    const kind = this.random.below(6);
    if (kind === 0) return this.depthwise(from);
    if (kind === 1) return this.pool(from);
    if (kind === 2) return this.residual(from);
    return this.conv(from);
  }

  /** SAME or VALID; a VALID window must fit. */
  private axis(size: number, padding: number): Axis {
    const kernel = Math.min(this.random.pick([1, 2, 3, 5]), padding === SAME ? 5 : size);
    const stride = this.random.pick([1, 1, 2, 3]);
    const out =
      padding === SAME ? Math.ceil(size / stride) : Math.floor((size - kernel) / stride) + 1;
    return { kernel, stride, out };
  }

  /** Weights and bias. The result is the largest output scale that makes sense for them. */
  private parameters(
    from: Point,
    shape: number[],
    dimension: number,
    fanIn: number,
  ): { inputs: number[]; scale: number } {
    const { random } = this;
    const channels = shape[dimension] as number;
    const common = this.scale();
    const scales = random.oneIn(4)
      ? [common]
      : Array.from({ length: channels }, () =>
          Math.fround((common * (32 + random.below(96))) / 64),
        );
    const size = shape.reduce((a, b) => a * b, 1);
    const data = random.bytes(size).map((v) => (v === 128 ? 127 : v));
    const weights = this.tensor({
      name: `weights_${this.spec.tensors.length}`,
      shape,
      type: TYPE.int8,
      scales,
      dimension: scales.length > 1 ? dimension : 0,
      data,
    });
    const bias = Int32Array.from({ length: channels }, () => random.between(-50000, 50000));
    const inputs = [from.tensor, weights];
    // TensorFlow Lite asks for a bias in quantised convolutions, not in dense layers.
    if (shape.length === 4 || !random.oneIn(4)) {
      inputs.push(
        this.tensor({
          name: `bias_${this.spec.tensors.length}`,
          shape: [channels],
          type: TYPE.int32,
          scales: scales.map((s) => Math.fround(s * from.scale)),
          dimension: 0,
          data: new Uint8Array(bias.buffer),
        }),
      );
    }
    // From far too small (outputs saturate, shifts to the left) to rather large.
    const spread = 64 * Math.sqrt(fanIn) * random.pick([0.02, 0.5, 1, 1, 2]);
    return { inputs, scale: Math.fround(from.scale * common * spread) };
  }

  private conv(from: Point, outChannels = this.random.pick([2, 3, 4, 8, 10, 16])): Point {
    const [, height, width, channels] = from.shape as [number, number, number, number];
    const padding = this.random.below(2);
    const [y, x] = [this.axis(height, padding), this.axis(width, padding)];
    return this.convolution(from, padding, y, x, channels, outChannels);
  }

  private convolution(
    from: Point,
    padding: number,
    y: Axis,
    x: Axis,
    channels: number,
    outChannels: number,
  ): Point {
    const shape = [outChannels, y.kernel, x.kernel, channels];
    const fanIn = y.kernel * x.kernel * channels;
    const { inputs, scale } = this.parameters(from, shape, 0, fanIn);
    const to = this.activation([1, y.out, x.out, outChannels], scale);
    return this.operator(CODE.conv, inputs, to, OPTIONS.conv, [
      byte(0, padding),
      int(1, x.stride),
      int(2, y.stride),
      byte(3, this.activationKind()),
      int(4, 1),
      int(5, 1),
    ]);
  }

  private depthwise(from: Point): Point {
    const [, height, width, channels] = from.shape as [number, number, number, number];
    const padding = this.random.below(2);
    const [y, x] = [this.axis(height, padding), this.axis(width, padding)];
    const shape = [1, y.kernel, x.kernel, channels];
    const { inputs, scale } = this.parameters(from, shape, 3, y.kernel * x.kernel);
    const to = this.activation([1, y.out, x.out, channels], scale);
    return this.operator(CODE.depthwise, inputs, to, OPTIONS.depthwise, [
      byte(0, padding),
      int(1, x.stride),
      int(2, y.stride),
      int(3, 1),
      byte(4, this.activationKind()),
      int(5, 1),
      int(6, 1),
    ]);
  }

  /** Pooling keeps scale and zero point. */
  private pool(from: Point): Point {
    const [, height, width, channels] = from.shape as [number, number, number, number];
    const padding = this.random.below(2);
    const [y, x] = [this.axis(height, padding), this.axis(width, padding)];
    const zero = this.spec.tensors[from.tensor]?.zeroPoint ?? 0;
    const to = this.activation([1, y.out, x.out, channels], from.scale, zero);
    return this.operator(CODE.pool, [from.tensor], to, OPTIONS.pool, [
      byte(0, padding),
      int(1, x.stride),
      int(2, y.stride),
      int(3, x.kernel),
      int(4, y.kernel),
      byte(5, this.activationKind()),
    ]);
  }

  private residual(from: Point): Point {
    const [, height, width, channels] = from.shape as [number, number, number, number];
    if (channels < 2) return this.conv(from);
    const y = { kernel: this.random.pick([1, 3]), stride: 1, out: height };
    const x = { kernel: this.random.pick([1, 3]), stride: 1, out: width };
    const branch = this.convolution(from, SAME, y, x, channels, channels);
    const larger = Math.max(branch.scale, from.scale);
    const to = this.activation(from.shape, Math.fround(larger * this.random.pick([0.7, 1, 1.6])));
    const inputs = this.random.oneIn(2)
      ? [from.tensor, branch.tensor]
      : [branch.tensor, from.tensor];
    return this.operator(CODE.add, inputs, to, OPTIONS.add, [byte(0, this.activationKind())]);
  }

  private flat(from: Point): Point {
    const size = from.shape.reduce((a, b) => a * b, 1);
    const zero = this.spec.tensors[from.tensor]?.zeroPoint ?? 0;
    const shape = [1, size];
    const wanted = this.tensor({
      name: `shape_${this.spec.tensors.length}`,
      shape: [2],
      type: TYPE.int32,
      data: new Uint8Array(Int32Array.from(shape).buffer),
    });
    const to = this.activation(shape, from.scale, zero);
    return this.operator(CODE.reshape, [from.tensor, wanted], to, 0, []);
  }

  private dense(from: Point): Point {
    const depth = from.shape[1] as number;
    const units = this.random.pick([2, 3, 4, 10, 12, 33]);
    const { inputs, scale } = this.parameters(from, [units, depth], 0, depth);
    if (inputs.length === 2) inputs.push(-1); // how a dense layer without bias is written
    const to = this.activation([1, units], scale);
    return this.operator(CODE.dense, inputs, to, OPTIONS.dense, [byte(0, this.activationKind())]);
  }

  private softmax(from: Point): Point {
    // Steps of the logits this large have no use and no fixed-point form.
    if (from.scale >= 8) return from;
    const to = this.activation(from.shape, 1 / 256, -128);
    return this.operator(CODE.softmax, [from.tensor], to, OPTIONS.softmax, [
      { index: 0, kind: 'f32', value: 1 },
    ]);
  }
}

export function randomModel(seed: number): ModelSpec {
  return new Generator(new Random(seed)).run();
}
