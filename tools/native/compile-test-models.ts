/**
 * The digits model with each kind of adapter as C, for test/native: one file each in build/host/,
 * its global names with the method behind them.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { compileModel } from '../../compiler/compile.ts';
import { emitC } from '../../compiler/emit-c.ts';

const FILE = 'models/digits/digits.tflite';
const GLOBALS = ['rt_model', 'rt_features', 'rt_features_profile', 'rt_label_count', 'rt_labels'];

mkdirSync('build/host', { recursive: true });
for (const method of ['head', 'skip', 'lora'] as const) {
  const { description } = compileModel(readFileSync(FILE), FILE, { adapter: { method } });
  const renamed = GLOBALS.map((name) => `#define ${name} ${name}_${method}\n`).join('');
  writeFileSync(`build/host/model-${method}.c`, renamed + emitC(description));
}
