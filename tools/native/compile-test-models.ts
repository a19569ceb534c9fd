/**
 * The digits model with adapters of all kinds as C, for test/native: one file each in build/host/,
 * its global names with the kind behind them.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { AdapterOptions } from '../../compiler/adapter.ts';
import { compileModel } from '../../compiler/compile.ts';
import { emitC } from '../../compiler/emit-c.ts';

const FILE = 'models/digits/digits.tflite';
const GLOBALS = ['rt_model', 'rt_features', 'rt_features_profile', 'rt_label_count', 'rt_labels'];

mkdirSync('build/host', { recursive: true });
const ADAPTERS: Record<string, AdapterOptions> = {
  head: { method: 'head', places: 3 },
  skip: { method: 'skip', places: 3 },
  lora: { method: 'lora', places: 3 },
  low_rank: { method: 'lora', layers: [10] },
  momentum: { method: 'skip', optimizer: 'momentum' },
};
for (const [kind, adapter] of Object.entries(ADAPTERS)) {
  const { description } = compileModel(readFileSync(FILE), FILE, { adapter });
  const renamed = GLOBALS.map((name) => `#define ${name} ${name}_${kind}\n`).join('');
  writeFileSync(`build/host/model-${kind}.c`, renamed + emitC(description));
}
