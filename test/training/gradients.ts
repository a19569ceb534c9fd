/** The engine's gradients against those of automatic differentiation (make_reference.py). */
import { readFileSync } from 'node:fs';
import type { Engine } from '../../sim/engine.ts';
import type { TrainingOptions } from '../../sim/training.ts';
import { GOLDEN, readCase, trainedCase, type CaseName, type Method } from './cases.ts';

interface StoredArray {
  name: string;
  at: number;
  count: number;
  scale: number;
}

interface Reference {
  window: number;
  methods: Record<
    Method,
    { arrays: StoredArray[]; burst: Partial<TrainingOptions>; losses: number[] }
  >;
}

export function readReference(name: CaseName): Reference {
  return JSON.parse(readFileSync(`${GOLDEN}/${name}.reference.json`, 'utf8')) as Reference;
}

/** Arrays of one method by name, as reals. */
export function referenceArrays(name: CaseName, method: Method): Map<string, Float64Array> {
  const file = readFileSync(`${GOLDEN}/${name}.reference.i16`);
  const values = new Int16Array(file.buffer, file.byteOffset, file.length / 2);
  const { arrays } = readReference(name).methods[method];
  return new Map(
    arrays.map(({ name: key, at, count, scale }) => [
      key,
      Float64Array.from(values.subarray(at, at + count), (value) => value * scale),
    ]),
  );
}

/** What the engine has computed when the gradients of one window are complete. */
export interface EngineGradients {
  loss: number;
  parameters: Float64Array;
  /** By "input LAYER": gradients of the int8 steps of a layer's input. */
  signals: Map<string, Float64Array>;
}

/**
 * Runs one window forward and backward, unit by unit, `passes` times with other random numbers, and
 * takes the mean. A burst does it, whose rate is too small to change anything; in its first steps,
 * which do not count, the backward pass finds its shifts.
 */
export async function engineGradients(
  name: CaseName,
  method: Method,
  passes = 1,
): Promise<EngineGradients> {
  const { window } = readReference(name);
  // Only this one has gradients to look at.
  const engine = await trainedCase(name, method, 'busy', { optimizer: 'momentum' });
  const { training } = engine;
  const { labels } = readCase(name);
  labels.forEach((_, i) => training.assign(i, i === window ? 'train' : 'heldOut'));
  const steps = SETTLING_STEPS + passes;
  training.begin({ steps, batch: 1, views: 1, seed: 1, rate: 2 ** -24, decay: 0, smoothing: 0 });
  while (training.step < SETTLING_STEPS) training.run(1);
  const signals = new Map<string, Float64Array>();
  const parameters = new Float64Array(readParameters(engine, name, method).length);
  for (let pass = 0; pass < passes; pass++) {
    runToUpdate(engine, signals);
    addTo(parameters, readParameters(engine, name, method));
    while (pass + 1 < passes && training.step === SETTLING_STEPS + pass) training.run(1);
  }
  for (const sum of [parameters, ...signals.values()]) sum.forEach((v, i) => (sum[i] = v / passes));
  return { loss: training.loss, parameters, signals };
}

/** Steps until the shifts of a window stay the same. */
const SETTLING_STEPS = 2;

function addTo(sum: Float64Array, values: Float64Array): void {
  values.forEach((value, i) => (sum[i] = (sum[i] ?? 0) + value));
}

/** One sample up to its update; adds the signals on the way to `signals`. */
function runToUpdate(engine: Engine, signals: Map<string, Float64Array>): void {
  const { training } = engine;
  const { firmware, trainer } = training.internals;
  const position = (): number => firmware.call('rt_sim_backward_step', trainer);
  let step = position();
  while (training.phase !== 'update') {
    const backward = training.phase === 'backward';
    training.run(1);
    // Step 0 is the pool, whose gradient is one pixel and not in the signal.
    if (backward && position() === step + 1 && step > 0) readSignal(engine, step, signals);
    step = position();
  }
}

function readSignal(engine: Engine, step: number, signals: Map<string, Float64Array>): void {
  const { firmware, adapter, trainer } = engine.training.internals;
  const layer = firmware.call('rt_sim_adapter_step_layer', adapter, step);
  const exponent = firmware.call('rt_sim_backward_exponent', trainer);
  const at = firmware.call('rt_sim_adapter_signal', adapter);
  const count = engine.layerInputValues(layer);
  const values = Float64Array.from(firmware.i8(at, count), (value) => value * 2 ** -exponent);
  const key = `input ${layer}`;
  const sum = signals.get(key) ?? new Float64Array(count);
  addTo(sum, values);
  signals.set(key, sum);
}

function readParameters(engine: Engine, name: CaseName, method: Method): Float64Array {
  const { firmware, adapter } = engine.training.internals;
  const { groups } = readCase(name).adapters[method];
  const at = firmware.call('rt_sim_adapter_gradient', adapter);
  const parts = groups.map((group, g) => {
    const exponent = firmware.call('rt_sim_group_gradient_exponent', adapter, g);
    const unit = group.unit.mantissa * 2 ** (group.unit.exponent - 31);
    const values = firmware.i16(at + 2 * group.first, group.rows * group.columns);
    return [...values].map((value) => value * 2 ** -exponent * unit);
  });
  return Float64Array.from(parts.flat());
}

/** |a - b| / |b|, Euclidean. */
export function relativeError(a: Float64Array, b: Float64Array): number {
  let difference = 0;
  let size = 0;
  b.forEach((value, i) => {
    difference += ((a[i] ?? NaN) - value) ** 2;
    size += value ** 2;
  });
  return Math.sqrt(difference / size);
}
