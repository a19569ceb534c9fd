/** Golden vectors on machine code of RV32IMC, in the interpreter of bench/rv32. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  SAME,
  VALID,
  activation,
  convOperator,
  depthwiseOperator,
  int32s,
  int8s,
} from '../compiler/models.ts';
import { Engine } from '../../sim/engine.ts';
import { ReferenceInterpreter } from '../oracle/reference.ts';
import {
  goldenInputs,
  goldenModel,
  goldenOutputs,
  networkInputs,
  readGolden,
  readNetworks,
  shortHash,
} from '../support/golden.ts';
import { Random } from '../support/random.ts';
import { randomModel } from '../support/random-model.ts';
import { Rv32Image } from '../support/rv32-engine.ts';
import { TYPE, writeTflite, type OperatorSpec, type TensorSpec } from '../support/tflite-writer.ts';

let image: Rv32Image;
beforeAll(async () => {
  image = await Rv32Image.build();
}, 120_000);
afterAll(() => image.remove());

const MODELS = ['digits', 'kws_ref_model', 'str_ww_ref_model', 'ad01_int8'];
const NETWORKS = 40;

const HEIGHT = 3;
const MOVES: [stride: number, padding: number][] = [
  [1, SAME],
  [2, SAME],
  [1, VALID],
  [2, VALID],
];
/** Widths of one run of pixels, of two and of three; channels over a group and a piece. */
const WIDTHS = [1, 2, 3, 4, 5, 6, 7, 11];
const CHANNELS: [number, number][] = [
  [1, 3],
  [3, 65],
  [64, 4],
  [70, 5],
];

/** Layers whose weights are small, large, or both: quads of either kind. */
function* layers(random: Random): Generator<[string, Uint8Array]> {
  for (const width of WIDTHS) {
    for (const [inputs, outputs] of CHANNELS) {
      const large = random.pick([0, 0.3, 1]);
      const weight = (): number =>
        random.below(1000) < 1000 * large ? random.pick([-127, 127]) : random.between(-40, 40);
      const draw = (count: number): Int8Array => Int8Array.from({ length: count }, weight);
      const input = activation(
        'input',
        [1, HEIGHT, width, inputs],
        0.05,
        random.pick([-128, 0, 127]),
      );
      for (const kernel of [1, 3]) {
        const shape = [outputs, kernel, kernel, inputs];
        const data = draw(outputs * kernel * kernel * inputs);
        const output = activation('output', [1, HEIGHT, width, outputs], 0.9 * kernel, -20);
        const operator = convOperator([0, 1, 2], 3, { activation: random.pick([0, 1]) });
        yield [
          `conv ${inputs}-${outputs}x${width}`,
          layer(input, shape, 0, data, output, operator),
        ];
      }
      for (const [stride, padding] of MOVES) {
        if (padding === VALID && width < 3) continue;
        const out = (size: number): number => Math.ceil((size - 2 * padding) / stride);
        const output = activation('output', [1, out(HEIGHT), out(width), inputs], 0.3, -20);
        const window = { stride: [stride, stride] as [number, number], padding };
        const operator = depthwiseOperator([0, 1, 2], 3, window);
        const bytes = layer(input, [1, 3, 3, inputs], 3, draw(9 * inputs), output, operator);
        yield [`depthwise ${inputs}x${width} by ${stride}, padding ${padding}`, bytes];
      }
    }
  }
}

function layer(
  input: TensorSpec,
  shape: number[],
  dimension: number,
  data: Int8Array,
  output: TensorSpec,
  operator: OperatorSpec,
): Uint8Array {
  const channels = shape[dimension] ?? 1;
  const scales = Array.from({ length: channels }, (_, c) => Math.fround(0.01 + 0.001 * (c % 7)));
  const bias = scales.map((_, c) => 977 * ((c % 9) - 4));
  const weights = { name: 'weights', shape, type: TYPE.int8, scales, dimension };
  const biases = { name: 'bias', shape: [channels], type: TYPE.int32 };
  const tensors = [
    input,
    { ...weights, data: int8s(data) },
    { ...biases, scales: scales.map((scale) => Math.fround(scale * 0.05)), data: int32s(bias) },
    output,
  ];
  return writeTflite({ tensors, operators: [operator], inputs: [0], outputs: [3] });
}

describe('on RV32IMC', () => {
  it.each(MODELS)('%s answers like the INT8 specification', (name) => {
    const golden = readGolden(name);
    const infer = image.start(goldenModel(golden), golden.path);
    const outputs = goldenOutputs(golden).slice(-1);
    const inputs = goldenInputs(golden).slice(-1);
    expect(inputs.map(infer)).toEqual(outputs);
  });

  it.each([
    { packed: true, tables: 'with' },
    { packed: false, tables: 'without' },
  ])(
    'random networks answer like TensorFlow Lite with reference kernels, $tables tables of the boards',
    ({ packed }) => {
      const { sha256 } = readNetworks();
      const wrong = sha256.slice(0, NETWORKS).flatMap((wanted, i) => {
        const bytes = writeTflite(randomModel(i + 1));
        const reference = new ReferenceInterpreter(bytes);
        const inputs = networkInputs(reference.inputSize, reference.input.zeroPoint);
        const infer = image.start(bytes, `network ${i + 1}`, packed);
        const answers = Int8Array.from(inputs.flatMap((input) => [...infer(input)]));
        return shortHash(answers) === wanted ? [] : [i + 1];
      });
      expect(wrong).toEqual([]);
    },
  );

  it('wide and flat images, many channels, extreme inputs answer like the simulator', async () => {
    const random = new Random(11);
    const draws = [() => random.int8(), () => (random.oneIn(2) ? -128 : 127)];
    for (const [name, bytes] of layers(random)) {
      const infer = image.start(bytes, name);
      const engine = await Engine.load(bytes, { file: name });
      for (const draw of draws) {
        const input = Int8Array.from({ length: engine.inputBytes }, draw);
        expect(infer(input), name).toEqual(engine.infer(input).output);
      }
    }
  });
});
