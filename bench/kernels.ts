/**
 * Cycles of the engine's kernels on an emulated RP2040: one inference, layer by layer, compared with
 * what the WebAssembly answers.
 *
 *     node --import tsx bench/kernels.ts [--json] [--profile] [MODEL.tflite …]
 *
 * Code, tables and weights lie in flash, activations in SRAM. The emulator has no XIP cache: flash
 * costs what SRAM costs (bench/rp2040/README.md says what the counts are worth).
 */
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { compileModel, type CompiledModel } from '../compiler/compile.ts';
import { buildImage as modelImage } from '../compiler/emit-image.ts';
import { Engine } from '../sim/engine.ts';
import { randomInput } from '../test/support/inputs.ts';
import { dataPath } from '../test/support/data.ts';
import { buildImage } from './rp2040/build.ts';
import { Rp2040Machine } from './rp2040/machine.ts';

const root = resolve(fileURLToPath(import.meta.url), '../..');
const FLASH = 0x10000000;
/** Where the model's tables go: behind anything that the image could fill. */
const MODEL = FLASH + 0x100000;
/** engine.h: rt_engine_t is model, arena, layer, row, hooks. */
const ENGINE_BYTES = 20;
const LAYER_WORD = 8;

const KERNELS = readdirSync(join(root, 'native/engine')).filter((name) => name.endsWith('.c'));
const SOURCES = [...KERNELS.map((name) => `native/engine/${name}`), 'native/hal/libc.c'];
/** As the firmware is built; the sanitizer that zig adds in debug builds is off at -O2. */
const FLAGS = ['-O2', '-fno-unroll-loops', '-ffreestanding', '-Inative', '-Inative/engine'];

interface LayerCost {
  layer: string;
  macs: number;
  cycles: number;
}

interface ModelCost {
  model: string;
  macs: number;
  cycles: number;
  /** What the firmware expects (rt_engine_row_cycles). */
  estimatedCycles: number;
  cyclesPerMac: number;
  /** Longest row: the finest slice that rt_engine_run can make. */
  longestRowCycles: number;
  checkCycles: number;
  stackBytes: number;
  arenaBytes: number;
  identical: boolean;
  layers: LayerCost[];
  profile?: Record<string, number>;
}

interface Target {
  machine: Rp2040Machine;
  engine: number;
  compiled: CompiledModel;
}

/** An emulated chip with the engine in flash and one model started on it. */
function start(compiled: CompiledModel): Target & { checkCycles: number } {
  const output = join(root, 'build/bench/kernels.elf');
  mkdirSync(join(root, 'build/bench'), { recursive: true });
  buildImage({ sources: SOURCES, output, flags: FLAGS });
  const machine = Rp2040Machine.load(output);
  machine.chip.flash.set(modelImage(compiled.description, MODEL).bytes, MODEL - FLASH);
  const engine = machine.allocate(ENGINE_BYTES);
  const arena = machine.allocate(compiled.arenaBytes);
  const init = machine.call('rt_engine_init', [engine, MODEL, arena, compiled.arenaBytes]);
  if (init.result !== 0) throw new Error(`rt_engine_init: status ${init.result}`);
  return { machine, engine, compiled, checkCycles: init.cycles };
}

function tensorAt({ machine, engine }: Target, index: number): number {
  return machine.call('rt_engine_tensor', [engine, index]).unsigned;
}

/** One inference row by row; cycles by layer, the call of rt_engine_run included. */
function rows(target: Target): { layers: LayerCost[]; longest: number; stack: number } {
  const { machine, engine, compiled } = target;
  const layers = compiled.model.layers.map((l) => ({ layer: l.name, macs: l.macs, cycles: 0 }));
  let [longest, stack, busy] = [0, 0, 1];
  machine.call('rt_engine_begin', [engine]);
  for (let layer = 0; busy === 1; layer = machine.readInt32(engine + LAYER_WORD, 1)[0] ?? 0) {
    const { cycles, stackBytes, result } = machine.call('rt_engine_run', [engine, 1]);
    const cost = layers[layer];
    if (cost) cost.cycles += cycles;
    longest = Math.max(longest, cycles);
    stack = Math.max(stack, stackBytes);
    busy = result;
  }
  return { layers, longest, stack };
}

async function measure(path: string, profile: boolean): Promise<ModelCost> {
  const bytes = readFileSync(path);
  const compiled = compileModel(bytes, basename(path), { packed: true });
  const target = start(compiled);
  const { machine, engine } = target;
  const { inputTensor, outputTensor, tensors, macs } = compiled.model;
  const input = tensors[inputTensor];
  const output = tensors[outputTensor];
  if (!input || !output) throw new Error('a model has an input and an output');
  const x = randomInput(1, input.bytes, input.zeroPoint);
  const at = tensorAt(target, inputTensor);
  machine.write(x, at);
  const { cycles, profile: spent } = machine.call('rt_engine_infer', [engine], { profile });
  const y = machine.readInt8(tensorAt(target, outputTensor), output.bytes);
  const reference = await Engine.load(bytes, { file: path });
  const expected = reference.infer(x).output;
  machine.write(x, at);
  const byRow = rows(target);
  return {
    model: basename(path),
    macs,
    cycles,
    estimatedCycles: reference.inferenceCycles,
    cyclesPerMac: cycles / macs,
    longestRowCycles: byRow.longest,
    checkCycles: target.checkCycles,
    stackBytes: byRow.stack,
    arenaBytes: compiled.arenaBytes,
    identical: y.every((v, i) => v === expected[i]),
    layers: byRow.layers,
    ...(spent ? { profile: Object.fromEntries(spent) } : {}),
  };
}

const number = (value: number): string => Math.round(value).toLocaleString('en-US');

function print(cost: ModelCost): void {
  const table = new Table({
    head: ['layer', 'MAC', 'cycles', 'cycles/MAC'],
    colAligns: ['left', 'right', 'right', 'right'],
    style: { head: [], border: [] },
  });
  for (const { layer, macs, cycles } of cost.layers) {
    const name = layer.length > 48 ? `${layer.slice(0, 47)}…` : layer;
    table.push([name, number(macs), number(cycles), (cycles / macs).toFixed(2)]);
  }
  table.push(['inference', number(cost.macs), number(cost.cycles), cost.cyclesPerMac.toFixed(2)]);
  console.log(
    `${cost.model}: ${cost.identical ? 'same output as the WebAssembly' : 'OUTPUT DIFFERS'}`,
  );
  console.log(table.toString());
  console.log(
    `longest row ${number(cost.longestRowCycles)} cycles, model check ${number(cost.checkCycles)}, ` +
      `estimate of an inference ${number(cost.estimatedCycles)}, stack ${cost.stackBytes} bytes, arena ${number(cost.arenaBytes)} bytes`,
  );
  for (const [name, cycles] of Object.entries(cost.profile ?? {}).slice(0, 12)) {
    console.log(`  ${number(cycles).padStart(12)} ${name}`);
  }
}

function defaultModels(): string[] {
  const own = join(root, 'models/digits/digits.tflite');
  return [dataPath('models/kws_ref_model.tflite'), ...(existsSync(own) ? [own] : [])];
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean' }, profile: { type: 'boolean' } },
});
const costs: ModelCost[] = [];
for (const path of positionals.length > 0 ? positionals : defaultModels()) {
  costs.push(await measure(path, values.profile ?? false));
}
if (values.json) console.log(JSON.stringify(costs, null, 1));
else costs.forEach(print);
if (costs.some((cost) => !cost.identical)) process.exitCode = 1;
