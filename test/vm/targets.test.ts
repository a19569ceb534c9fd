import { beforeAll, describe, expect, test } from 'vitest';
import { compareOnChip } from './chips.ts';
import { programNames } from './corpus.ts';
import { buildForChip, compareOnCore } from './rp2040.ts';

const PATIENCE_MS = 900_000;

describe('the same language on every target', () => {
  test(
    'every program prints the same on WebAssembly',
    async () => {
      expect((await compareOnChip('wasm', programNames())).failures).toEqual([]);
    },
    PATIENCE_MS,
  );
});

describe('the emulated RP2040', () => {
  let elf = '';
  beforeAll(async () => {
    elf = await buildForChip();
  }, PATIENCE_MS);

  test(
    'part of the programs print the same there',
    () => {
      // random numbers stand still without a board around the core
      const names = programNames().filter((name, i) => i % 5 === 0 && name !== 'math-random');
      const { runs, failures } = compareOnCore(elf, names);
      expect(failures).toEqual([]);
      expect(runs).toBeGreaterThan(40);
    },
    PATIENCE_MS,
  );
});
