/**
 * A whole personalization on an emulated RP2040: what each part takes in cycles, seconds and energy.
 *
 *     npm run bench:rp2040 -- [--json] [--method head|skip|lora] [--windows 50] [--speaker george]
 *
 * `--write` puts all three methods into docs/rp2040.md.
 *
 * Real recordings (RETUNE_DATA), the board's machine code, default parameters. What repeats alike is
 * counted on a part and multiplied: the table says on how many. Code and frozen tables lie in flash,
 * everything else in SRAM; bench/rp2040/README.md says what the counts are worth.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import * as prettier from 'prettier';
import { z } from 'zod';
import { compileModel } from '../compiler/compile.ts';
import { joulesOf, loadBoard } from '../sim/processor.ts';
import { loadRecordings } from '../sim/recordings.ts';
import { dataPath } from '../test/support/data.ts';
import { Random } from '../test/support/random.ts';
import { ChipEngine } from './rp2040/chip-engine.ts';
import { buildFirmware } from './rp2040/firmware.ts';

const root = resolve(fileURLToPath(import.meta.url), '../..');
const METHODS = ['head', 'skip', 'lora'] as const;
type Method = (typeof METHODS)[number];
/** rt_train_phase_t. */
const PHASES = ['idle', 'cache', 'sample', 'forward', 'backward', 'refresh', 'update', 'check'];
/** Counted in full: windows to learn from, one held out. */
const TRAINED = 2;
const HELD_OUT = 1;
/** Every so many takes one is held out, as src/keyword.ts does. */
const HOLD_OUT_EVERY = 5;
/** Standard deviation of a microphone's own noise, in steps of 16 bits. */
const NOISE = 8;

/** Cycles counted and expected, of so many repetitions. */
interface Count {
  counted: number;
  estimated: number;
  repeated: number;
}

interface Part {
  part: string;
  /** Repetitions in a whole personalization, and how many of them were run. */
  times: number;
  measured: number;
  /** Of all repetitions. */
  cycles: number;
  estimatedCycles: number;
  seconds: number;
  millijoules: number;
}

interface Report {
  method: Method;
  model: string;
  clockHz: number;
  windows: number;
  parameters: { steps: number; batch: number; views: number };
  parts: Part[];
  total: { cycles: number; seconds: number; millijoules: number };
  burstSeconds: number;
  longestUnitCycles: number;
  ram: Record<string, number>;
}

const board = loadBoard();
const { clockHz } = board.retune;

function part(name: string, times: number, { counted, estimated, repeated }: Count): Part {
  const cycles = (counted / repeated) * times;
  return {
    part: name,
    times,
    measured: repeated,
    cycles,
    estimatedCycles: (estimated / repeated) * times,
    seconds: cycles / clockHz,
    millijoules: joulesOf(cycles, board) * 1000,
  };
}

/** The word in the middle of a window that hears its room: nothing is digital silence. */
function asHeard(pcm: Int16Array, samples: number, seed: number): Int16Array {
  const random = new Random(seed);
  const most = Math.round(NOISE * Math.sqrt(3)); // uniform
  const before = Math.max(0, (samples - pcm.length) >> 1);
  return Int16Array.from({ length: samples }, (_, i) => {
    const value = (pcm[i - before] ?? 0) + random.between(-most, most);
    return Math.max(-32768, Math.min(32767, value));
  });
}

const nothing = (repeated = 1): Count => ({ counted: 0, estimated: 0, repeated });

/** A small burst, unit by unit, its cycles by phase. */
function burst(chip: ChipEngine): { phases: Map<string, Count>; longest: number } {
  const phases = new Map(PHASES.map((name) => [name, nothing()]));
  let longest = 0;
  for (let done = false; !done;) {
    const phase = phases.get(PHASES[chip.phase] ?? '') ?? nothing();
    const cycles = chip.count(() => (done = chip.training.run(1)));
    phase.counted += cycles;
    phase.estimated += chip.training.runCycles;
    longest = Math.max(longest, cycles);
  }
  return { phases, longest };
}

/** Windows as they come in, heard, classified and kept. */
function collect(chip: ChipEngine, clips: { pcm: Int16Array; label: number }[]): Count[] {
  const counts = [nothing(clips.length), nothing(clips.length), nothing(clips.length)];
  const [features = nothing(), inference = nothing(), remember = nothing()] = counts;
  clips.forEach(({ pcm, label }, i) => {
    let input: Int8Array = new Int8Array();
    features.counted += chip.count(() => (input = chip.features(pcm)));
    features.estimated += chip.featureCycles;
    inference.counted += chip.count(() => chip.infer(input));
    inference.estimated += chip.inferenceCycles;
    const purpose = i < TRAINED ? 'train' : 'heldOut';
    remember.counted += chip.count(() => chip.training.remember(label, purpose));
  });
  return counts;
}

/** What a burst of the default parameters consists of, from the phases of a small one. */
function burstParts(
  phases: Map<string, Count>,
  whole: { windows: number; steps: number; batch: number; views: number },
  small: { steps: number; batch: number; views: number },
  isCached: boolean,
): Part[] {
  const phase = (name: string, repeated: number): Count => ({
    ...(phases.get(name) ?? nothing()),
    repeated,
  });
  const samples = whole.steps * whole.batch;
  const counted = small.steps * small.batch;
  const update = part('update', whole.steps, phase('update', small.steps));
  if (!isCached) {
    const forward = part('forward, a sample', samples, phase('forward', counted));
    return [forward, part('backward, a sample', samples, phase('backward', counted)), update];
  }
  const views = phase('refresh', TRAINED * (small.views - 1));
  return [
    part('frozen layers, a window', whole.windows, phase('cache', TRAINED)),
    part('frozen layers, a view', whole.windows * (whole.views - 1), views),
    part('learning, a sample', samples, phase('sample', counted)),
    update,
  ];
}

function measure(
  method: Method,
  elf: string,
  file: string,
  speaker: string,
  windows: number,
): Report {
  const compiled = compileModel(readFileSync(file), basename(file), {
    adapter: { method },
    packed: true,
  });
  const chip = new ChipEngine(elf, compiled);
  const { firmware, training } = chip;
  const clips = loadRecordings(dataPath('audio/fsdd'), 8000)
    .filter((clip) => clip.speaker === speaker && clip.take === 0)
    .slice(0, TRAINED + HELD_OUT)
    .map(({ pcm }, i) => ({ pcm: asHeard(pcm, 8000, i), label: i }));
  const [features = nothing(), inference = nothing(), remember = nothing()] = collect(chip, clips);

  const { steps, batch, views } = training.defaults;
  const isCached = method !== 'lora';
  const small = isCached ? { steps: 4, batch, views: 2 } : { steps: 2, batch: 1, views };
  const begin = { ...nothing(), counted: chip.count(() => training.begin(small)) };
  const { phases, longest } = burst(chip);
  const check = nothing(HELD_OUT);
  check.counted = chip.count(() => training.evaluate('heldOut'));
  check.estimated = training.runCycles;
  const save = { ...nothing(), counted: chip.count(() => training.save()) };

  const heldOut = Math.floor(windows / HOLD_OUT_EVERY);
  const whole = { windows: windows - heldOut, steps, batch, views };
  const learning = [part('begin', 1, begin), ...burstParts(phases, whole, small, isCached)];
  const parts = [
    part('features of a second', windows, features),
    part('inference', windows, inference),
    part('remember', windows, remember),
    ...learning,
    part('check, a window', heldOut, check),
    part('save, without flash', 1, save),
  ];
  const sum = (value: (p: Part) => number): number => parts.reduce((all, p) => all + value(p), 0);
  return {
    method,
    model: basename(file),
    clockHz,
    windows,
    parameters: { steps, batch, views },
    parts,
    total: {
      cycles: sum((p) => p.cycles),
      seconds: sum((p) => p.seconds),
      millijoules: sum((p) => p.millijoules),
    },
    burstSeconds: learning.reduce((all, p) => all + p.seconds, 0),
    longestUnitCycles: longest,
    ram: {
      arena: compiled.arenaBytes,
      labelledWindows: training.windowBytes,
      features: chip.featureBytes,
      structures: chip.structureBytes,
      static: firmware.staticBytes,
      stack: firmware.stackBytes,
    },
  };
}

const number = (value: number): string => Math.round(value).toLocaleString('en-US');

function print(report: Report): void {
  const { method, model, windows, parameters, parts, total, ram } = report;
  const table = new Table({
    head: ['part', 'times', 'counted', 'cycles each', 'expected', 'seconds in all', 'mJ in all'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [] },
  });
  for (const p of parts) {
    table.push([
      p.part,
      number(p.times),
      number(p.measured),
      number(p.cycles / p.times),
      off(p),
      p.seconds.toFixed(3),
      p.millijoules.toFixed(1),
    ]);
  }
  table.push(['all', '', '', '', '', total.seconds.toFixed(1), total.millijoules.toFixed(0)]);
  const { steps, batch, views } = parameters;
  console.log(
    `${method}, ${model}: ${windows} labelled windows, every ${HOLD_OUT_EVERY}th held out; ` +
      `${steps} steps, batch ${batch}, ${views} views; ${clockHz / 1e6} MHz`,
  );
  console.log(table.toString());
  const places = Object.entries(ram).map(([name, bytes]) => `${name} ${number(bytes)}`);
  console.log(`RAM in bytes: ${places.join(', ')}`);
  console.log(`longest unit of training ${number(report.longestUnitCycles)} cycles\n`);
}

const each = (p: Part | undefined): string =>
  p ? `${number(p.cycles / p.times)} × ${number(p.times)} (${number(p.measured)})` : '';

const off = (p: Part | undefined): string => {
  if (!p || p.estimatedCycles === 0) return '';
  const percent = (p.estimatedCycles / p.cycles - 1) * 100;
  return `${percent >= 0 ? '+' : ''}${percent.toFixed(1)} %`;
};

/** The tables of docs/rp2040.md. */
function markdown(reports: Report[]): string {
  const row = (cells: string[]): string => `| ${cells.join(' | ')} |`;
  const head = (first: string): string[] => [
    row([first, ...reports.map((r) => r.method)]),
    row(['---', ...reports.map(() => '---:')]),
  ];
  const line = (name: string, cell: (r: Report) => string): string =>
    row([name, ...reports.map(cell)]);
  const names = [...new Set(reports.flatMap((r) => r.parts.map((p) => p.part)))];
  const find = (r: Report, name: string): Part | undefined => r.parts.find((p) => p.part === name);
  const where = Object.keys(reports[0]?.ram ?? {});
  return [
    ...head('cycles × times (counted)'),
    line('steps, batch, views', ({ parameters: p }) => `${p.steps}, ${p.batch}, ${p.views}`),
    ...names.map((name) => line(name, (r) => each(find(r, name)))),
    line('all, seconds', ({ total }) => total.seconds.toFixed(1)),
    line('of it the burst, seconds', ({ burstSeconds }) => burstSeconds.toFixed(1)),
    line('all, millijoules', ({ total }) => number(total.millijoules)),
    line('longest unit of training', ({ longestUnitCycles }) => number(longestUnitCycles)),
    '',
    ...head('estimate, off by'),
    ...names
      .filter((name) => reports.some((r) => off(find(r, name)) !== ''))
      .map((name) => line(name, (r) => off(find(r, name)))),
    '',
    ...head('bytes of SRAM'),
    ...where.map((name) => line(name, ({ ram }) => number(ram[name] ?? 0))),
  ].join('\n');
}

async function write(reports: Report[]): Promise<void> {
  const page = join(root, 'docs/rp2040.md');
  const text = readFileSync(page, 'utf8').replace(
    /(<!-- written by .*? -->\n)[^]*(\n<!-- end -->)/,
    (_, begin: string, end: string) => `${begin}\n${markdown(reports)}\n${end}`,
  );
  const options = await prettier.resolveConfig(page);
  writeFileSync(page, await prettier.format(text, { ...options, parser: 'markdown' }));
}

const manifest = z.object({ adapter: z.object({ method: z.enum(METHODS) }) });
const defaultMethod = manifest.parse(
  JSON.parse(readFileSync(join(root, 'devicescript.json'), 'utf8')),
).adapter.method;
const { values } = parseArgs({
  options: {
    json: { type: 'boolean' },
    write: { type: 'boolean' },
    method: { type: 'string', multiple: true, default: [defaultMethod] },
    windows: { type: 'string', default: '50' },
    speaker: { type: 'string', default: 'george' },
  },
});
const elf = join(root, 'build/bench/firmware.elf');
buildFirmware(elf);
const file = join(root, `models/digits/without-${values.speaker}.tflite`);
const reports = z
  .array(z.enum(METHODS))
  .parse(values.write ? METHODS : values.method)
  .map((method) => measure(method, elf, file, values.speaker, Number(values.windows)));
if (values.write) await write(reports);
else if (values.json) console.log(JSON.stringify(reports, null, 1));
else reports.forEach(print);
