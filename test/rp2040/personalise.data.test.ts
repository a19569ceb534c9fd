import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ChipEngine } from '../../bench/rp2040/chip-engine.ts';
import { buildFirmware } from '../../bench/rp2040/firmware.ts';
import { compileModel } from '../../compiler/compile.ts';
import { Engine } from '../../sim/engine.ts';
import { loadRecordings, type Recording } from '../../sim/recordings.ts';
import type { CheckResult, Training, TrainingOptions } from '../../sim/training.ts';
import { dataPath, projectRoot } from '../support/data.ts';
import { Random } from '../support/random.ts';

// The board's own machine code on an emulated RP2040 personalises a keyword model from recordings:
// everything that it computes is what the simulator's WebAssembly computes, bit by bit.
const SPEAKER = 'george';
const MODEL = join(projectRoot, `models/digits/without-${SPEAKER}.tflite`);
/** native/engine/train.h: RT_TRAIN_UNIT_CYCLES. */
const UNIT_CYCLES = Number(
  /define RT_TRAIN_UNIT_CYCLES (\d+)u/.exec(
    readFileSync(join(projectRoot, 'native/engine/train.h'), 'utf8'),
  )?.[1],
);
/** What the simulator's clock may be off by. */
const TOLERANCE = 0.1;

const folder = mkdtempSync(join(tmpdir(), 'retune-rp2040-'));
const elf = join(folder, 'firmware.elf');
let clips: Recording[] = [];

beforeAll(() => {
  buildFirmware(elf);
  const words = new Set(['three', 'seven', 'nine', '3', '7', '9']);
  clips = loadRecordings(dataPath('audio/fsdd'), 8000)
    .filter(({ speaker, label, take }) => speaker === SPEAKER && words.has(label) && take === 0)
    .slice(0, 3);
  expect(clips.length).toBe(3);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));

/** Class Engine, or the chip. */
interface Subject {
  features(pcm: Int16Array): Int8Array;
  infer(input: Int8Array): Int8Array;
  training: Training;
  /** Runs a burst to its end; calls step() after every slice. */
  burst(step: () => void): void;
}

interface Trace {
  inputs: Int8Array[];
  outputs: Int8Array[];
  logits: Float64Array[];
  losses: number[];
  check: CheckResult;
  blob: Uint8Array;
  adapted: Float64Array;
  restored: Uint8Array;
}

/** Two words to learn from, a third one held out. */
function personalise(subject: Subject, options: Partial<TrainingOptions>): Trace {
  const { training } = subject;
  const inputs = clips.map(({ pcm }) => subject.features(pcm));
  const [outputs, logits, losses]: [Int8Array[], Float64Array[], number[]] = [[], [], []];
  inputs.forEach((input, i) => {
    outputs.push(subject.infer(input));
    logits.push(training.logits());
    training.remember(i, i === 2 ? 'heldOut' : 'train');
  });
  training.begin(options);
  subject.burst(() => {
    if (training.step > losses.length) losses.push(training.loss);
  });
  const check = training.evaluate('heldOut');
  const blob = training.save();
  subject.infer(inputs[0] ?? new Int8Array());
  const adapted = training.logits();
  training.restore();
  return { inputs, outputs, logits, losses, check, blob, adapted, restored: training.save() };
}

async function onWasm(method: Method, options: Partial<TrainingOptions>): Promise<Trace> {
  const engine = await Engine.load(MODEL, { adapter: { method } });
  const { training } = engine;
  const burst = (step: () => void): void => {
    for (let done = false; !done; step()) done = training.run(1);
  };
  const subject = {
    features: (pcm: Int16Array) => engine.features(pcm),
    infer: (input: Int8Array) => engine.infer(input).output,
    training,
    burst,
  };
  return personalise(subject, options);
}

interface ChipTrace extends Trace {
  longestUnit: number;
  inference: { counted: number; estimated: number };
  training: { counted: number; estimated: number };
}

/** Unit by unit with a budget of 1, else in slices. */
function onChip(method: Method, options: Partial<TrainingOptions>, slice: number): ChipTrace {
  const compiled = compileModel(readFileSync(MODEL), basename(MODEL), {
    adapter: { method },
    packed: true,
  });
  const chip = new ChipEngine(elf, compiled);
  const { firmware, training } = chip;
  const inference = { counted: 0, estimated: chip.inferenceCycles };
  const spent = { counted: 0, estimated: 0 };
  let longestUnit = 0;
  const burst = (step: () => void): void => {
    for (let done = false; !done; step()) {
      firmware.lap();
      done = training.run(slice);
      const { cycles } = firmware.lap();
      longestUnit = Math.max(longestUnit, cycles);
      spent.counted += cycles;
      spent.estimated += training.runCycles;
    }
  };
  const infer = (input: Int8Array): Int8Array => {
    firmware.lap();
    const output = chip.infer(input);
    inference.counted = firmware.lap().cycles;
    return output;
  };
  const subject = { features: (pcm: Int16Array) => chip.features(pcm), infer, training, burst };
  const trace = personalise(subject, options);
  return { ...trace, longestUnit, inference, training: spent };
}

type Method = 'head' | 'skip' | 'lora';

describe.each<[Method, number, Partial<TrainingOptions>]>([
  ['head', 300_000, { steps: 3, batch: 2, views: 2 }],
  // Enough samples for the rare ones, whose gradients outgrow what was there.
  ['skip', 1, { steps: 20, batch: 8, views: 2 }],
  ['lora', 1, { steps: 2, batch: 1 }],
])('%s on the RP2040', (method, slice, options) => {
  it('computes what the simulator computes, in units of bounded length and known cost', async () => {
    const { longestUnit, inference, training, ...chip } = onChip(method, options, slice);
    const wasm = await onWasm(method, options);
    expect(chip).toEqual(wasm);
    expect(chip.losses.length).toBe(options.steps);
    expect(chip.blob).not.toEqual(chip.restored);

    // A slice is its budget and one unit more at most; unit by unit the units themselves are seen.
    expect(longestUnit).toBeLessThanOrEqual(
      UNIT_CYCLES + (slice > 1 ? slice * (1 + TOLERANCE) : 0),
    );
    for (const { counted, estimated } of [inference, training]) {
      expect(Math.abs(estimated / counted - 1)).toBeLessThan(TOLERANCE);
    }
  }, 120_000);
});

describe('learning the normalisation of many windows', () => {
  it('stays within a unit, and costs what the firmware expects', () => {
    const compiled = compileModel(readFileSync(MODEL), basename(MODEL), {
      adapter: { method: 'skip' },
      packed: true,
    });
    const chip = new ChipEngine(elf, compiled);
    const { firmware, training } = chip;
    const random = new Random(1);
    const [windows, most] = [60, 512];
    const vectors = firmware.allocate(windows * most);
    firmware.i8(vectors, windows * most).forEach((_, i, values) => (values[i] = random.int8()));
    const [range, next, expected] = [8, 4, 4].map((bytes) => firmware.allocate(bytes));
    if (!range || !next || !expected) throw new Error('no memory');
    firmware.u32(range, 2).set([0, 64]); // channels 0 to 63 of the vectors
    const args = [training.internals.adapter, range, vectors, windows, next, expected];
    firmware.lap();
    let counted = 0;
    let units = 0;
    for (let busy = true; busy; units++) {
      busy = firmware.call('rt_normal_calibrate', ...args) === 1;
      const { cycles } = firmware.lap();
      expect(cycles).toBeLessThan(UNIT_CYCLES);
      counted += cycles;
    }
    expect(units).toBeGreaterThan(1);
    expect(Math.abs((firmware.u32(expected, 1)[0] ?? 0) / counted - 1)).toBeLessThan(TOLERANCE);
  });
});
