/** What a benchmark says: one row a kernel, a training step, a burst or a piece of memory. */
import { createHash } from 'node:crypto';

export const TARGETS = ['rp2040', 'rv32', 'wasm', 'host'] as const;
export type Target = (typeof TARGETS)[number];

/** Where figures in seconds are from: the fastest clock that the RP2040 is made for. */
export const SECONDS_HZ = 133_000_000;

/** What a row has to reach, in its own unit. */
export interface Goal {
  unit: 'cycles' | 'bytes' | 'times inference' | 'seconds';
  value: number;
  /** `value` is at most this. */
  limit: number;
}

/** The same job done by somebody else's library, as published there or in DESIGN.md. */
export interface Peer {
  name: string;
  cycles: number;
}

export interface BenchRow {
  name: string;
  kind: 'kernel' | 'training' | 'memory' | 'vm' | 'power';
  target: Target;
  what: string;
  /**
   * Cycles of the emulated RP2040, instructions of RV32IMC; null on targets whose time only a clock
   * on the wall could tell.
   */
  cycles: number | null;
  macs: number | null;
  perMac: number | null;
  /** SRAM of the arena; of memory rows, what they are about. */
  bytes: number | null;
  /** Tables and weights in flash. */
  flashBytes?: number;
  stackBytes?: number;
  /** First eight digits of the SHA-256 of what was computed. */
  checksum: string | null;
  /** What was computed is what `reference` computed in the same run. */
  isCorrect: boolean;
  reference: string | null;
  /** Training: in inferences of the same net without adapter. */
  timesInference?: number;
  /** At SECONDS_HZ. */
  seconds?: number;
  /** Training: steps that were run; cycles of a longer burst are this many, multiplied. */
  stepsRun?: number;
  /** Training: what `retune build` expects of the steps (sim/burst.ts). */
  predictedCycles?: number;
  /** Training: filling the cache of frozen activations, a window; not in `cycles`. */
  cacheCyclesPerWindow?: number;
  /** An estimate, not counted in `cycles`: stalls of the flash cache (rp2040/xip.ts). */
  stallCycles?: { hotInSram: number; allInFlash: number };
  /** At the currents of the board's file. */
  millijoules?: number;
  /** On the battery of the board's file. */
  batteryDays?: number;
  /** Networks: layer by layer. */
  layers?: { layer: string; macs: number; cycles: number }[];
  /** Memory: no plan can be smaller. */
  lowerBoundBytes?: number;
  goal?: Goal;
  peer?: Peer;
  /** Correct, and the goal reached where there is one. */
  ok: boolean;
  /** Why nothing was measured. */
  missing?: string;
}

export const checksumOf = (...parts: ArrayBufferView[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) {
    hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  }
  return hash.digest('hex').slice(0, 8);
};

export const reaches = (goal: Goal | undefined): boolean =>
  goal === undefined || goal.value <= goal.limit;

/** A row that cannot be measured as yet. */
export function missingRow(
  row: Pick<BenchRow, 'name' | 'kind' | 'target' | 'what'>,
  reason: string,
): BenchRow {
  const nothing = { cycles: null, macs: null, perMac: null, bytes: null, checksum: null };
  return { ...row, ...nothing, isCorrect: false, reference: null, ok: false, missing: reason };
}
