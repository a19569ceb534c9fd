import { Random } from './random.ts';

/** Every golden run of a model starts from this seed; run r uses SEED + r. */
export const SEED = 20250101;
export const RANDOM_RUNS = 100;

const clamp = (v: number): number => Math.max(-128, Math.min(127, Math.round(v)));

/** Independent uniform values: drives most networks far out of their usual range. */
function uniform(random: Random, size: number): Int8Array {
  return Int8Array.from({ length: size }, () => random.int8());
}

/**
 * Slowly varying values of small variance around a level near the zero point, as features of real
 * signals are: such inputs leave the outputs unsaturated, so that a rounding error shows.
 */
function smooth(random: Random, size: number, zeroPoint: number): Int8Array {
  const level = clamp(zeroPoint + random.between(-40, 40));
  const spread = random.between(2, 30);
  let drift = 0;
  return Int8Array.from({ length: size }, () => {
    drift = (7 * drift + 4 * random.bell()) / 8;
    return clamp(level + spread * (drift + random.bell() / 4));
  });
}

/** The random input number `run` of a model: even runs are uniform, odd runs smooth. */
export function randomInput(run: number, size: number, zeroPoint: number): Int8Array {
  const random = new Random(SEED + run);
  return run % 2 === 0 ? uniform(random, size) : smooth(random, size, zeroPoint);
}
