/**
 * What the native fuzz targets are linked with, as C: a small model with every kind of adapter, and
 * compiled programs. Written to the folder that the command line names.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { AdapterOptions } from '../../../compiler/adapter.ts';
import { compileModel } from '../../../compiler/compile.ts';
import { emitC } from '../../../compiler/emit-c.ts';
import { projectRoot } from '../../support/data.ts';
import { smallKeywordModel } from '../../support/models.ts';
import { writeTflite, type ModelSpec } from '../../support/tflite-writer.ts';
import { compileSource } from '../../vm/compiler.ts';

const GLOBALS = ['rt_model', 'rt_features', 'rt_features_profile', 'rt_label_count', 'rt_labels'];
const METADATA = {
  features: { profile: 'digits', mean: Array(10).fill(1), std: Array(10).fill(2) },
  labels: ['one', 'two', 'three', 'four'],
};
const ADAPTERS: Record<string, AdapterOptions> = {
  skip: { method: 'skip', rank: 2, places: 3 },
  head: { method: 'head', places: 2 },
  lora: { method: 'lora', rank: 1 },
  low_rank: { method: 'lora', rank: 2, layers: [4] },
  momentum: { method: 'skip', rank: 1, optimizer: 'momentum' },
};
/** Fewer than setup.c has memory for. */
const PLACES = 3;
const SMALL_PROGRAM = `
let n = 0;
setInterval(async () => { n++; console.log("n", n, [n, "x" + n]); }, 200);
`;

/** Without ADD, which training does not pass backward; 49 rows, as features give. */
function model(): ModelSpec {
  const base = smallKeywordModel(1, 49);
  const operators = base.operators
    .filter(({ code }) => code !== 0)
    .map((op) => (op.code === 1 ? { ...op, inputs: [9] } : op));
  const tensors = base.tensors.map((t) =>
    t.name === 'pool' || t.name === 'flat' ? { ...t, zeroPoint: 3 } : t,
  );
  const metadata = { retune: new TextEncoder().encode(JSON.stringify(METADATA)) };
  return { ...base, operators, tensors, metadata };
}

const array = (name: string, bytes: Uint8Array): string =>
  `const uint8_t ${name}[] __attribute__((aligned(8))) = {${[...bytes].join(',')}};\n` +
  `const uint32_t ${name}_bytes = sizeof ${name};\n`;

const folder = process.argv[2] ?? 'build/fuzz-native';
mkdirSync(folder, { recursive: true });
const bytes = writeTflite(model());
for (const [kind, adapter] of Object.entries(ADAPTERS)) {
  const { description } = compileModel(bytes, 'fuzz.tflite', {
    adapter: { ...adapter, places: PLACES },
  });
  const renamed = GLOBALS.map((name) => `#define ${name} ${name}_fuzz_${kind}\n`).join('');
  writeFileSync(join(folder, `model-${kind}.c`), renamed + emitC(description));
}
const roles = readFileSync(join(projectRoot, 'test/bus/programs/everything.ts'), 'utf8');
writeFileSync(
  join(folder, 'programs.c'),
  '#include <stdint.h>\n' +
    array('fuzz_program_roles', compileSource(roles).image) +
    array('fuzz_program_small', compileSource(SMALL_PROGRAM).image),
);
