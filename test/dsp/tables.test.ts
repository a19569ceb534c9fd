import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generateTables } from '../../native/dsp/generate-tables.mjs';
import {
  dspProfileId,
  DSP_PROFILE_FACTS,
  DSP_PROFILES,
  type DspProfile,
} from '../../native/dsp/quant.ts';
import { projectRoot } from '../support/data.ts';
import { DspWasm } from './wasm.ts';

describe('tables of native/dsp', () => {
  const tables: [string, string][] = Object.entries(generateTables());

  it.each(tables)('%s is what generate-tables.mjs writes', (name, text) => {
    expect(readFileSync(join(projectRoot, 'native/dsp', name), 'utf8')).toBe(text);
  });

  it('are four files, so that none is left out of the comparison', () => {
    expect(tables.map(([name]) => name).sort()).toEqual([
      'tables_common.c',
      'tables_common.h',
      'tables_digits.c',
      'tables_mlperf_kws.c',
    ]);
  });

  it.each([...DSP_PROFILES])('quant.ts knows the facts of %s', (profile: DspProfile) => {
    const { memory, profilePointer } = new DspWasm(profile);
    const words = new Uint32Array(memory.buffer, profilePointer, 5);
    const facts = DSP_PROFILE_FACTS[profile];
    expect([...words]).toEqual([
      facts.rateHz,
      facts.windowSamples,
      facts.hopSamples,
      facts.clipSamples,
      facts.mels,
    ]);
  });

  it('has no profile beyond the two', () => {
    const { call } = new DspWasm('digits');
    expect(DSP_PROFILES.map((p) => call.profile(dspProfileId(p))).every((p) => p > 0)).toBe(true);
    expect(call.profile(2)).toBe(0);
    expect(call.profile(0xffffffff)).toBe(0);
  });
});
