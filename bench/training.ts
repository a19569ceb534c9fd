/**
 * Cycles of training on an emulated RP2040: a burst of a few steps for each kind of adapter, by
 * phase, the longest unit of work, and the firmware's own estimate beside it.
 *
 *     node --import tsx bench/training.ts [--json] [--model FILE]
 *
 * Code and frozen weights lie in flash, everything else in SRAM; see bench/rp2040/README.md.
 */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { compileModel, type CompiledModel } from '../compiler/compile.ts';
import { buildImage as modelImage } from '../compiler/emit-image.ts';
import { Firmware } from '../sim/firmware.ts';
import { randomInput } from '../test/support/inputs.ts';
import { buildImage } from './rp2040/build.ts';
import { Rp2040Machine } from './rp2040/machine.ts';

const root = resolve(fileURLToPath(import.meta.url), '../..');
const FLASH = 0x10000000;
const MODEL = FLASH + 0x100000;
const FLAGS = ['-O2', '-fno-unroll-loops', '-ffreestanding', '-Inative', '-Inative/engine'];

/** rt_train_phase_t. */
const PHASES = ['idle', 'cache', 'sample', 'forward', 'backward', 'refresh', 'update', 'check'];
const WINDOWS = 6;
const STEPS = 4;
const BATCH = 1;
const BUSY = 1;
/** Places of steps and batch in rt_train_params_t. */
const [PARAM_STEPS, PARAM_BATCH] = [0, 1];

interface TrainingCost {
  method: string;
  arenaBytes: number;
  /** Head, skip: frozen layers over every window and every further view of it, once a burst. */
  cacheCyclesPerWindow: number;
  viewsCycles: number;
  /** Everything else, a step of batch 1. */
  cyclesPerStep: number;
  longestUnitCycles: number;
  longestUnitPhase: string;
  stackBytes: number;
  phases: Record<string, number>;
}

class Device {
  readonly machine: Rp2040Machine;
  private readonly engine: number;
  private readonly trainer: number;
  private readonly params: number;
  stackBytes = 0;

  constructor(
    private readonly compiled: CompiledModel,
    elf: string,
  ) {
    const machine = Rp2040Machine.load(elf);
    this.machine = machine;
    machine.chip.flash.set(modelImage(compiled.description, MODEL).bytes, MODEL - FLASH);
    // The structures have the same size on every 32-bit target.
    const firmware = new Firmware();
    const size = (name: string): number => firmware.call(`rt_sim_${name}_bytes`);
    this.engine = machine.allocate(size('engine'));
    const adapter = machine.allocate(size('adapter'));
    this.trainer = machine.allocate(size('trainer'));
    this.params = machine.allocate(size('params'));
    const arena = machine.allocate(compiled.arenaBytes);
    this.run('rt_engine_init', this.engine, MODEL, arena, compiled.arenaBytes);
    this.run('rt_adapter_init', adapter, this.engine);
    const bytes = WINDOWS * machine.call('rt_sim_window_entry_bytes', [this.engine]).unsigned;
    const windows = machine.allocate(bytes);
    this.run('rt_trainer_init', this.trainer, adapter, windows, bytes);
    this.run('rt_train_defaults', adapter, this.params);
  }

  /** Calls a function that returns a status (or nothing); returns its cycles. */
  run(name: string, ...args: number[]): { status: number; cycles: number } {
    const { result, cycles, stackBytes } = this.machine.call(name, args);
    if (result < 0 && result > -100) throw new Error(`${name}: status ${result}`);
    this.stackBytes = Math.max(this.stackBytes, stackBytes);
    return { status: result, cycles };
  }

  remember(): void {
    const { model } = this.compiled;
    const input = model.tensors[model.inputTensor];
    if (!input) throw new Error('a model has an input');
    const at = this.machine.call('rt_engine_tensor', [this.engine, input.index]).unsigned;
    for (let i = 0; i < WINDOWS; i++) {
      this.machine.write(randomInput(2 * i + 1, input.bytes, input.zeroPoint), at);
      this.run('rt_train_remember', this.trainer, i, 0);
    }
  }

  /** One burst, unit by unit: the cycles of each with its phase. */
  burst(): { phase: string; cycles: number }[] {
    const { machine, params, trainer } = this;
    machine.write(Uint32Array.of(STEPS), params + 4 * PARAM_STEPS);
    machine.write(Uint32Array.of(BATCH), params + 4 * PARAM_BATCH);
    this.run('rt_train_begin', trainer, params);
    const units: { phase: string; cycles: number }[] = [];
    for (let status = BUSY; status === BUSY;) {
      const phase = machine.call('rt_sim_trainer_phase', [trainer]).unsigned;
      const unit = this.run('rt_train_run', trainer, 1);
      units.push({ phase: PHASES[phase] ?? '?', cycles: unit.cycles });
      status = unit.status;
    }
    return units;
  }
}

function measure(file: string, method: 'head' | 'skip' | 'lora', elf: string): TrainingCost {
  const compiled = compileModel(readFileSync(file), basename(file), { adapter: { method }, packed: true });
  const device = new Device(compiled, elf);
  device.remember();
  const units = device.burst();
  const phases: Record<string, number> = {};
  for (const { phase, cycles } of units) phases[phase] = (phases[phase] ?? 0) + cycles;
  const total = units.reduce((sum, unit) => sum + unit.cycles, 0);
  const longest = units.reduce((a, b) => (b.cycles > a.cycles ? b : a));
  const cache = phases['cache'] ?? 0;
  const views = phases['refresh'] ?? 0;
  return {
    method,
    arenaBytes: compiled.arenaBytes,
    cacheCyclesPerWindow: cache / WINDOWS,
    viewsCycles: views,
    cyclesPerStep: (total - cache - views) / STEPS,
    longestUnitCycles: longest.cycles,
    longestUnitPhase: longest.phase,
    stackBytes: device.stackBytes,
    phases,
  };
}

const number = (value: number): string => Math.round(value).toLocaleString('en-US');

function print(costs: TrainingCost[]): void {
  const table = new Table({
    head: [
      'method',
      'cache, a window',
      'views',
      'a step, batch 1',
      'longest unit',
      'in',
      'stack',
      'arena',
    ],
    style: { head: [], border: [] },
  });
  for (const c of costs) {
    table.push([
      c.method,
      number(c.cacheCyclesPerWindow),
      number(c.viewsCycles),
      number(c.cyclesPerStep),
      number(c.longestUnitCycles),
      c.longestUnitPhase,
      c.stackBytes,
      number(c.arenaBytes),
    ]);
  }
  console.log(table.toString());
  for (const { method, phases } of costs) {
    const list = Object.entries(phases).map(([name, cycles]) => `${name} ${number(cycles)}`);
    console.log(`${method}, ${STEPS} steps: ${list.join(', ')} cycles`);
  }
}

const { values } = parseArgs({
  options: {
    json: { type: 'boolean' },
    model: { type: 'string', default: join(root, 'models/digits/digits.tflite') },
  },
});
const elf = join(root, 'build/bench/training.elf');
mkdirSync(join(root, 'build/bench'), { recursive: true });
const engine = readdirSync(join(root, 'native/engine')).filter((name) => name.endsWith('.c'));
const sources = engine.map((name) => `native/engine/${name}`);
buildImage({
  sources: [...sources, 'native/hal/libc.c', 'native/hal/sim/training.c'],
  output: elf,
  flags: FLAGS,
});
const costs = (['head', 'skip', 'lora'] as const).map((m) => measure(values.model, m, elf));
if (values.json) console.log(JSON.stringify(costs, null, 1));
else print(costs);
