/**
 * The seam to training.ts: what is asked of an adapter, and what it asks of the compiled model.
 *
 * The timeline has 2L steps for L layers: layer i runs forward in step i and backward in step
 * 2L-1-i. What lasts from one training step to the next lives in all of them.
 */
import { z } from 'zod';
import type { PlanBuffer } from './arena.ts';
import type { Table } from './layout.ts';

export const ADAPTER_METHODS = ['none', 'head', 'skip', 'lora'] as const;

export const adapterSchema = z.strictObject({
  method: z.enum(ADAPTER_METHODS),
  /** Of the low-rank products; `head` has none. At most RT_ADAPTER_RANK_MAX. */
  rank: z.int().min(1).max(16).optional(),
  /** Layers that get an adapter, by output name or by position; all that can have one if absent. */
  layers: z
    .array(z.union([z.string().min(1), z.int().min(0)]))
    .min(1)
    .optional(),
  precision: z.enum(['int8']).optional(),
  /** Labelled windows that fit in memory; 60 if absent. At most as many as adapter_check.c allows. */
  windows: z.int().min(1).max(4096).optional(),
  /** Of how many windows `lora` keeps what the frozen layers make of them; `retune build` fills
   * `budgets.ram` where it is absent, otherwise none. */
  cache: z.int().min(0).max(4096).optional(),
  /** How samples change the weights: each at once (`fused`, the default), or batches with momentum,
   * which takes 4 bytes a parameter more. */
  optimizer: z.enum(['fused', 'momentum']).optional(),
  /** Adapters that the board keeps in flash, for example one a user. At most RT_STORE_SLOTS. */
  slots: z.int().min(1).max(8).optional(),
  /** Adapters that lie in RAM, to change between without touching flash; 1 if absent. At most
   * RT_ADAPTER_PLACES_MAX. */
  places: z.int().min(1).max(16).optional(),
});
export type AdapterOptions = z.infer<typeof adapterSchema>;

/** Keeps an activation tensor (position in LoweredModel.tensors) alive until a later step. */
export interface KeptTensor {
  tensor: number;
  last: number;
}

/** Makes an activation tensor a member of a rigid group of buffers. */
export interface RegroupedTensor {
  tensor: number;
  group: string;
  groupOffset: number;
}

/** What a burst keeps of a window, so that the frozen layers run once a view and not once a sample. */
export interface TrainingCache {
  /** Of how many windows. */
  windows: number;
  /** Of one window; 0 where nothing could be kept because nothing lies before what is trained. */
  entryBytes: number;
  /** Layer that a sample goes on from, and the share of an inference's products before it; absent
   * for head and skip, which keep all that they learn from. */
  resume?: { layer: number; name: string; skipped: number };
}

export interface TrainingPlan {
  buffers: PlanBuffer[];
  keep?: KeptTensor[];
  regroup?: RegroupedTensor[];
  /** One rt_adapter_plan_t, called when the offsets of all buffers are known. */
  build(offsetOf: (name: string) => number): Table;
  /** Bytes of a serialised adapter: what a slot in flash holds and what a board sends. */
  adapterBytes: number;
  rank: number;
  /** Adapters in RAM, and what each but the first takes there. */
  places: number;
  placeBytes: number;
  /** Labelled windows that the board can remember at once. */
  windows: number;
  /** Names of the layers with an adapter, for the report. */
  sites: string[];
  cache: TrainingCache;
}

/** Name of the buffer that holds an activation tensor's storage. */
export const storageBuffer = (storage: number): string => `tensor:${storage}`;
