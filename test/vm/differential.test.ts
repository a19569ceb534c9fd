import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildHost, type HostVariant } from '../../tools/native/host-vm.mjs';
import { root } from './abi.ts';
import { goldenOf, programNames } from './corpus.ts';
import { measureCoverage } from './coverage.ts';
import { runHost } from './host.ts';
import {
  checkGolden,
  compareRandom,
  compareWithGolden,
  failAllocations,
  fuzzImages,
} from './suite.ts';

/** Compilers are slow where many builds run at a time. */
const PATIENCE_MS = 900_000;

const runners = {} as Record<HostVariant, string>;

function builds(variant: HostVariant): void {
  beforeAll(async () => {
    runners[variant] = await buildHost(variant);
  }, PATIENCE_MS);
}

/** Every nth program; the same ones each time. */
function sample(n: number): string[] {
  return programNames().filter((_, i) => i % n === 0);
}

describe('the same language as the official VM', () => {
  builds('trace');

  test('there are at least 150 programs, each with what the official VM printed', () => {
    expect(programNames().length).toBeGreaterThanOrEqual(150);
    expect(programNames().filter((name) => goldenOf(name) === undefined)).toEqual([]);
  });

  test(
    'the official VM still prints what is kept',
    async () => {
      expect((await checkGolden(sample(8))).failures).toEqual([]);
    },
    PATIENCE_MS,
  );

  test(
    'every program prints the same on ours',
    async () => {
      expect((await compareWithGolden(runners.trace)).failures).toEqual([]);
    },
    PATIENCE_MS,
  );

  test(
    'every opcode and every native of the core, roles and services is reached',
    async () => {
      const { opcodes, natives } = await measureCoverage(runners.trace);
      expect(opcodes).toEqual([]);
      // pins, buses, sockets, pictures and cryptography: the official simulator has no board
      const rare = /^(gpio|image)_|^ds_(spi|i2c|led|socket|twin)_|^buffer_(encrypt|fill_random)$/;
      expect(natives.filter((name) => !rare.test(name))).toEqual([]);
    },
    PATIENCE_MS,
  );

  test(
    'random programs print the same',
    async () => {
      const seeds = Array.from({ length: 10 }, (_, i) => 1000 + i);
      expect((await compareRandom(runners.trace, seeds)).failures).toEqual([]);
    },
    PATIENCE_MS,
  );
});

describe('memory', () => {
  builds('asan');
  builds('stress');
  builds('fuzz');

  test(
    'no sanitizer complains',
    async () => {
      expect((await compareWithGolden(runners.asan)).failures).toEqual([]);
    },
    PATIENCE_MS,
  );

  test(
    'nothing changes when the collector runs at every allocation',
    async () => {
      expect((await compareWithGolden(runners.stress)).failures).toEqual([]);
    },
    PATIENCE_MS,
  );

  test(
    'a small heap is enough for a small program',
    async () => {
      const names = sample(20).filter((name) => !name.startsWith('gc-'));
      const heap = ['--heap', '24576'];
      expect((await compareWithGolden(runners.asan, names, heap)).failures).toEqual([]);
    },
    PATIENCE_MS,
  );

  test(
    'each allocation may fail',
    async () => {
      const allocations = [...Array.from({ length: 24 }, (_, i) => i + 1), 40, 80, 160, 320];
      const outcome = await failAllocations(runners.asan, sample(7), allocations);
      expect(outcome.failures).toEqual([]);
      expect(outcome.runs).toBeGreaterThan(500);
    },
    PATIENCE_MS,
  );

  test(
    'a loop through finally blocks meets the watchdog',
    async () => {
      const image = join(root, 'test/vm/damaged/endless-finally.devs');
      expect(await runHost(runners.asan, image)).toMatch(/= panic 60001\n$/);
    },
    PATIENCE_MS,
  );

  test(
    'damaged images do no harm',
    async () => {
      const summary = await fuzzImages(runners.fuzz, { seconds: 8, seed: 3 });
      expect(summary).toMatch(/^\d{3,} images, \d{2,} passed the check/);
    },
    PATIENCE_MS,
  );
});
