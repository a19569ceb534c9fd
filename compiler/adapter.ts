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
  /** Adapters that the board keeps in flash, for example one a user. */
  slots: z.int().min(1).max(64).optional(),
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

export interface TrainingPlan {
  buffers: PlanBuffer[];
  keep?: KeptTensor[];
  regroup?: RegroupedTensor[];
  /** One rt_adapter_plan_t, called when the offsets of all buffers are known. */
  build(offsetOf: (name: string) => number): Table;
  /** Bytes of a serialised adapter: what a slot in flash holds and what a board sends. */
  adapterBytes: number;
  rank: number;
  /** Labelled windows that the board can remember at once. */
  windows: number;
  /** Names of the layers with an adapter, for the report. */
  sites: string[];
}

/** Name of the buffer that holds an activation tensor's storage. */
export const storageBuffer = (storage: number): string => `tensor:${storage}`;
