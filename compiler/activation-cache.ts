/**
 * The cache of frozen activations of a LoRA burst: what the first trained layer reads, kept for some
 * windows, so that their samples go on from there. native/engine/train_cache.h is the engine's side.
 */
import type { AdapterOptions, TrainingCache } from './adapter.ts';
import type { LoweredModel, LoweredTensor } from './lower.ts';

const alignUp = (value: number): number => Math.ceil(value / 4) * 4;

function tensorOf(model: LoweredModel, index: number): LoweredTensor {
  const tensor = model.tensors[index];
  if (tensor === undefined) throw new Error(`there is no tensor ${index}`);
  return tensor;
}

/** Keeps the input of layer `resume`, the first that is trained, for up to `wanted` windows. */
export function activationCache(
  model: LoweredModel,
  resume: number,
  windows: number,
  wanted: number,
): TrainingCache {
  const layer = model.layers[resume];
  if (layer === undefined || !canResume(model, resume)) return { windows: 0, entryBytes: 0 };
  const before = model.layers.slice(0, resume).reduce((sum, { macs }) => sum + macs, 0);
  return {
    windows: Math.min(windows, wanted),
    entryBytes: alignUp(tensorOf(model, layer.input).bytes),
    resume: { layer: resume, name: layer.name, skipped: before / model.macs },
  };
}

/**
 * The adapter with as many windows kept as `budgetBytes` of RAM leave room for, where the manifest
 * leaves that to us. `ramBytes`: what all of learning takes with an adapter.
 */
export function fillBudget(
  adapter: AdapterOptions | undefined,
  budgetBytes: number | undefined,
  compile: (adapter: AdapterOptions) => { cache: TrainingCache; ramBytes: number } | undefined,
): AdapterOptions | undefined {
  if (adapter?.method !== 'lora' || adapter.cache !== undefined) return adapter;
  const without = compile({ ...adapter, cache: 0 });
  if (budgetBytes === undefined || without?.cache.resume === undefined) return adapter;
  const { cache, ramBytes } = without;
  return {
    ...adapter,
    cache: Math.max(0, Math.floor((budgetBytes - ramBytes) / cache.entryBytes)),
  };
}

/** Whether all that is computed from layer `resume` on comes from that layer's input alone. */
function canResume(model: LoweredModel, resume: number): boolean {
  const storageOf = (index: number): number => tensorOf(model, index).storage;
  const known = new Set([storageOf(model.layers[resume]?.input ?? 0)]);
  if (resume === 0) return false;
  return model.layers.slice(resume).every((layer) => {
    const inputs = layer.input2 === undefined ? [layer.input] : [layer.input, layer.input2];
    known.add(storageOf(layer.output));
    return inputs.every((input) => known.has(storageOf(input)));
  });
}
