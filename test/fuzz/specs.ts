/** Well-formed .tflite files with senseless content: what the bytes alone would rarely reach. */
import type { Random } from '../support/random.ts';
import type { ModelSpec, OperatorSpec, TensorSpec } from '../support/tflite-writer.ts';

const DIMENSIONS = [0, 1, 2, 3, 5, 8, 49, 127, 255, 1024, 65536, 0x7fffffff, -1, -8];
const SCALES = [0, -1, 1e-45, 1e-20, 1e-3, 1, 3.4e38, NaN, Infinity];
const OPTIONS = [0, 1, 2, 3, 4, 5, 127, -1, 65536, 0x7fffffff, -0x80000000];

function damagedTensor(random: Random, tensor: TensorSpec): TensorSpec {
  const copy = { ...tensor };
  const change = random.below(7);
  if (change === 0) copy.type = random.pick([0, 1, 2, 3, 4, 6, 7, 9, 10, 17, 99]);
  else if (change === 1) copy.shape = copy.shape.slice(0, random.below(copy.shape.length + 1));
  else if (change === 2) copy.shape = [...copy.shape, random.pick(DIMENSIONS)];
  else if (change === 3) {
    const axis = random.below(Math.max(copy.shape.length, 1));
    copy.shape = copy.shape.map((d, i) => (i === axis ? random.pick(DIMENSIONS) : d));
  } else if (change === 4) {
    copy.scales = (copy.scales ?? [1]).map((s) => (random.oneIn(2) ? random.pick(SCALES) : s));
  } else if (change === 5) copy.zeroPoint = random.pick([-129, -128, 0, 127, 128, 2 ** 40]);
  else if (copy.data) copy.data = copy.data.slice(0, random.below(copy.data.length + 1));
  else copy.scales = [];
  return copy;
}

function damagedOperator(random: Random, op: OperatorSpec, tensors: number): OperatorSpec {
  const copy = { ...op };
  const index = (): number => random.pick([random.below(tensors), -1, tensors, 0x7fffffff]);
  const change = random.below(5);
  if (change === 0) copy.code = random.pick([0, 1, 2, 3, 4, 9, 17, 22, 25, 32, 114, 127, 200]);
  else if (change === 1) copy.inputs = copy.inputs.map((t) => (random.oneIn(2) ? index() : t));
  else if (change === 2) copy.outputs = random.oneIn(3) ? [] : [index()];
  else if (change === 3) copy.inputs = copy.inputs.slice(0, random.below(copy.inputs.length + 1));
  else {
    copy.options = copy.options.map((o) =>
      random.oneIn(2) ? { ...o, value: random.pick(OPTIONS) } : o,
    );
  }
  return copy;
}

export function damagedSpec(random: Random, model: ModelSpec): ModelSpec {
  const copy: ModelSpec = {
    ...model,
    tensors: [...model.tensors],
    operators: [...model.operators],
  };
  for (let n = random.between(1, 3); n > 0; n--) {
    const change = random.below(8);
    const tensor = random.below(copy.tensors.length);
    const operator = random.below(copy.operators.length);
    if (change < 3) {
      copy.tensors[tensor] = damagedTensor(random, copy.tensors[tensor] as TensorSpec);
    } else if (change < 6) {
      const op = copy.operators[operator] as OperatorSpec;
      copy.operators[operator] = damagedOperator(random, op, copy.tensors.length);
    } else if (change === 6) {
      copy.operators.splice(operator, random.below(2), copy.operators[0] as OperatorSpec);
    } else if (random.oneIn(2)) copy.inputs = random.oneIn(2) ? [] : [tensor];
    else copy.outputs = random.oneIn(2) ? [] : [tensor];
  }
  return copy;
}
