/**
 * What is fuzzed. A case gets a seeded generator and does one thing with damaged input; it must end
 * in success or in a RetuneError that names the input. Any other exception, a WebAssembly trap or a
 * changed guard byte is a finding, and so is a case that does not end.
 */
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RetuneError } from '../../cli/error.ts';
import { compileModel } from '../../compiler/compile.ts';
import { buildImage } from '../../compiler/emit-image.ts';
import { readManifest } from '../../compiler/manifest.ts';
import { Engine } from '../../sim/engine.ts';
import { Firmware } from '../../sim/firmware.ts';
import { loadRecordings } from '../../sim/recordings.ts';
import type { TrainingOptions } from '../../sim/training.ts';
import { readModel } from '../oracle/flatmodel.ts';
import { ReferenceInterpreter } from '../oracle/reference.ts';
import { randomInput } from '../support/inputs.ts';
import { smallKeywordModel, trainableModel } from '../support/models.ts';
import { randomModel } from '../support/random-model.ts';
import type { Random } from '../support/random.ts';
import { writeTflite } from '../support/tflite-writer.ts';
import { guarded } from './guard.ts';
import { damaged, damagedJson, damagedText } from './mutate.ts';
import { damagedSpec } from './specs.ts';

/** What a case did, for the tally: 'accepted', or the kind of refusal. */
export type Outcome = 'accepted' | 'refused';

export interface Target {
  name: string;
  run(random: Random): Promise<Outcome>;
}

/** Runs `body`; a RetuneError that names `file` is a refusal, anything else goes on. */
async function accepting(file: string, body: () => Promise<void> | void): Promise<Outcome> {
  try {
    await body();
    return 'accepted';
  } catch (error) {
    if (!(error instanceof RetuneError)) throw error;
    if (!error.message.includes(file)) {
      throw new Error(`the message does not name ${file}: ${error.message}`);
    }
    if (error.message.includes('\n') || error.message.length > 1000) {
      throw new Error(`the message is no one clear line: ${JSON.stringify(error.message)}`);
    }
    return 'refused';
  }
}

/** Models up to this size are also run when they compile. */
const RUN_MACS = 2_000_000;
const RUN_BYTES = 1 << 20;

const base = smallKeywordModel();
const baseBytes = writeTflite(base);
const trainableBytes = writeTflite(trainableModel());

async function compileAndRun(bytes: Uint8Array): Promise<Engine | undefined> {
  const { model, arenaBytes } = compileModel(bytes, 'fuzz.tflite');
  if (model.macs > RUN_MACS || arenaBytes > RUN_BYTES) return undefined;
  const engine = await Engine.load(bytes, { file: 'fuzz.tflite' });
  engine.infer(new Int8Array(engine.inputBytes).fill(1));
  return engine;
}

/** A model that the compiler takes must run as the specification says. */
function expectSpecification(engine: Engine, bytes: Uint8Array): void {
  const reference = new ReferenceInterpreter(bytes);
  const input = randomInput(1, engine.inputBytes, reference.input.zeroPoint);
  const wanted = reference.infer(input).join();
  const { output } = engine.infer(input);
  if (output.join() !== wanted) throw new Error(`computes ${output.join()}, not ${wanted}`);
}

const tflite: Target = {
  name: 'tflite',
  run: (random) =>
    accepting('fuzz.tflite', async () => {
      await compileAndRun(damaged(random, baseBytes));
    }),
};

const tfliteContent: Target = {
  name: 'tflite-content',
  run: (random) =>
    accepting('fuzz.tflite', async () => {
      const bytes = writeTflite(damagedSpec(random, base));
      const engine = await compileAndRun(bytes);
      if (engine && readModel(bytes).ops.length > 0) expectSpecification(engine, bytes);
    }),
};

const METADATA = {
  features: { profile: 'digits', mean: Array(10).fill(1), std: Array(10).fill(2) },
  labels: ['one', 'two', 'three', 'four'],
};
const listening = smallKeywordModel(1, 49);

const metadata: Target = {
  name: 'metadata',
  run: (random) =>
    accepting('fuzz.tflite', async () => {
      const text = random.oneIn(2)
        ? damagedText(random, JSON.stringify(METADATA))
        : JSON.stringify(damagedJson(random, METADATA));
      const metadata = { retune: new TextEncoder().encode(text) };
      const bytes = writeTflite({ ...listening, metadata });
      const engine = await Engine.load(bytes, { file: 'fuzz.tflite' });
      engine.infer(engine.features(strangePcm(random, random.below(20000))));
    }),
};

/** The same result however the inference is cut into slices. */
function expectSlicesEqual(engine: Engine, random: Random): void {
  const input = randomInput(random.below(1000), engine.inputBytes, 0);
  const whole = engine.infer(input).output.join();
  engine.begin(input);
  while (!engine.run(random.pick([0, 1, 50, 1000, 100_000])));
  if (engine.prediction().output.join() !== whole) throw new Error('slices change the result');
}

/** Any well-formed network of the supported operators must compile and be exact. */
const networks: Target = {
  name: 'networks',
  run: async (random) => {
    const bytes = writeTflite(randomModel(random.u32()));
    const engine = await Engine.load(bytes, { file: 'fuzz.tflite' });
    expectSpecification(engine, bytes);
    expectSlicesEqual(engine, random);
    return 'accepted';
  },
};

/** A folder of its own for one case. */
async function inFolder(body: (folder: string) => Promise<Outcome>): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'retune-fuzz-'));
  try {
    return await body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const MANIFEST = {
  board: 'pico',
  app: 'src/keyword.ts',
  model: 'models/digits/digits.tflite',
  adapter: { method: 'skip', rank: 4, layers: ['last'], precision: 'int8', slots: 2 },
  modules: ['learner', 'capture'],
  budgets: { ram: 65536, flash: 1048576, milliwatt: 20 },
  features: { profile: 'digits', mean: Array(10).fill(0), std: Array(10).fill(1) },
  labels: ['yes', 'no'],
};

const manifest: Target = {
  name: 'manifest',
  run: (random) =>
    inFolder((folder) => {
      const file = join(folder, 'devicescript.json');
      const text = random.oneIn(2)
        ? damagedText(random, JSON.stringify(MANIFEST, undefined, 2))
        : JSON.stringify(damagedJson(random, MANIFEST));
      writeFileSync(file, text);
      return accepting(file, () => void readManifest(file));
    }),
};

const INDEX =
  'label,take,offset_samples,length_samples\none,0,0,100\n"two",1,100,50\none,2,150,50\n';

const index: Target = {
  name: 'csv',
  run: (random) =>
    inFolder((folder) => {
      writeFileSync(join(folder, 'ann.csv'), damagedText(random, INDEX));
      writeFileSync(join(folder, 'ann.s16'), random.bytes(random.pick([400, 400, 400, 399, 0])));
      return accepting(folder, () => void loadRecordings(folder, 8000));
    }),
};

/** A PCM file of 50 samples: the plain 44-byte header and a further chunk before the data. */
function wavFile(random: Random): Uint8Array {
  const bytes = new Uint8Array(44 + 12 + 100);
  const view = new DataView(bytes.buffer);
  const text = (at: number, s: string): void => bytes.set(Buffer.from(s, 'latin1'), at);
  text(0, 'RIFF');
  view.setUint32(4, bytes.length - 8, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, random.pick([1, 1, 1, 3, 6, 7, 17, 0xfffe]), true);
  view.setUint16(22, random.pick([1, 1, 1, 2, 0]), true);
  view.setUint32(24, random.pick([8000, 8000, 8000, 16000, 0]), true);
  view.setUint32(28, 16000, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, random.pick([16, 16, 16, 8, 24, 32, 64, 4, 12]), true);
  text(36, 'LIST');
  view.setUint32(40, 4, true);
  text(44, 'INFOdata');
  view.setUint32(52, 100, true);
  bytes.set(random.bytes(100), 56);
  return bytes;
}

const wav: Target = {
  name: 'wav',
  run: (random) =>
    inFolder((folder) => {
      mkdirSync(join(folder, 'one'));
      const file = wavFile(random);
      writeFileSync(
        join(folder, 'one', 'ann_0.wav'),
        random.oneIn(4) ? file : damaged(random, file),
      );
      return accepting(folder, () => void loadRecordings(folder, 8000));
    }),
};

const image: Target = {
  name: 'image',
  run: (random) => {
    const { description, arenaBytes } = compileModel(baseBytes, 'fuzz.tflite');
    const firmware = new Firmware();
    const size = buildImage(description, 0).bytes.length;
    const at = firmware.allocate(size);
    firmware.u8(at, size).set(damagedImage(random, buildImage(description, at).bytes));
    const arena = firmware.allocate(arenaBytes);
    const engine = firmware.allocate(firmware.call('rt_sim_engine_bytes'));
    return accepting('image', () => {
      firmware.check('image', 'rt_sim_engine_init', engine, at, at, size, arena, arenaBytes);
      firmware.call('rt_engine_begin', engine);
      // Bounded: the image's own sizes are checked against the arena and its tables.
      while (firmware.check('image', 'rt_engine_run', engine, 1_000_000) > 0);
    });
  },
};

/** As many bytes as before: the firmware is told the size of the flash region. */
function damagedImage(random: Random, bytes: Uint8Array): Uint8Array {
  const result = Uint8Array.from(bytes);
  result.set(damaged(random, bytes).subarray(0, bytes.length));
  return result;
}

/** PCM that is silent, loud, constant, alternating or noise. */
function strangePcm(random: Random, length: number): Int16Array {
  const level = random.pick([0, 1, -1, 100, 32767, -32768]);
  const kind = random.below(4);
  return Int16Array.from({ length }, (_, i) => {
    if (kind === 0) return level;
    if (kind === 1) return i % 2 === 0 ? level : ~level;
    if (kind === 2) return random.oneIn(50) ? 32767 : 0;
    return (random.u32() >>> 16) - 32768;
  });
}

const DSP_RING = 1024;
const DSP_VALUES = 490;

const dsp: Target = {
  name: 'dsp',
  run: (random) => {
    const firmware = new Firmware();
    const profile = firmware.call('rt_dsp_profile', random.below(2));
    const bytes = firmware.call('rt_dsp_memory_bytes', profile, DSP_RING);
    const state = firmware.allocate(firmware.call('rt_dsp_state_bytes'));
    const ring = firmware.allocate(bytes);
    const out = firmware.allocate(4 * DSP_VALUES);
    return accepting('dsp', () => {
      firmware.check('dsp', 'rt_dsp_init', state, profile, ring, bytes, DSP_RING);
      for (let step = random.between(1, 6); step > 0; step--) {
        const pcm = strangePcm(random, random.pick([0, 1, 319, 1000, 8000, 16000, 20000]));
        const samples = firmware.allocate(2 * pcm.length);
        firmware.i16(samples, pcm.length).set(pcm);
        const name = random.pick(['rt_dsp_push', 'rt_dsp_feed', 'rt_dsp_clip']);
        if (name === 'rt_dsp_clip') firmware.call(name, state, samples, pcm.length, 0, 0);
        else firmware.call(name, state, samples, pcm.length);
        if (random.oneIn(3)) firmware.call('rt_dsp_run', state, random.below(100));
        if (random.oneIn(8)) firmware.call('rt_dsp_discard', state);
        firmware.call('rt_dsp_coefficients', state, out);
      }
    });
  },
};

const METHODS = ['head', 'skip', 'lora'] as const;

async function adaptable(random: Random): Promise<Engine> {
  const method = random.pick(METHODS);
  const adapter = method === 'head' ? { method } : { method, rank: random.pick([1, 2, 4]) };
  return Engine.load(trainableBytes, { file: 'fuzz.tflite', adapter });
}

function remember(engine: Engine, random: Random): void {
  engine.infer(randomInput(random.below(1000), engine.inputBytes, 0));
  engine.training.remember(random.below(engine.classes), random.oneIn(3) ? 'heldOut' : 'train');
}

/** A budget that is not used up shows that a burst does not end. */
const MOST_SLICES = 100_000;

function finish(engine: Engine): void {
  for (let slices = 0; !engine.training.run(1_000_000); slices++) {
    if (slices > MOST_SLICES) throw new Error('a training burst does not end');
  }
}

/** CRC-32 of all but its own field, so that damage reaches what lies behind it. */
function withChecksum(blob: Uint8Array): Uint8Array {
  const [header, payload] = [blob.subarray(0, 20), blob.subarray(24)];
  if (blob.length >= 24) {
    const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
    view.setUint32(20, crc32(Buffer.concat([header, payload])), true);
  }
  return blob;
}

function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

const adapter: Target = {
  name: 'adapter',
  run: async (random) => {
    const engine = await adaptable(random);
    const { training } = engine;
    expectSpecification(engine, trainableBytes); // a new adapter changes nothing
    for (let n = 0; n < 4; n++) {
      engine.infer(randomInput(n, engine.inputBytes, 0));
      training.remember(n);
    }
    training.begin({ steps: 2, seed: 1 });
    finish(engine);
    const before = training.save();
    const blob = damaged(random, before);
    const outcome = await accepting('fuzz.tflite', () =>
      training.load(random.oneIn(2) ? withChecksum(blob) : blob),
    );
    if (outcome === 'refused' && Buffer.compare(before, training.save()) !== 0) {
      throw new Error('a refused adapter changed the present one');
    }
    engine.infer(randomInput(5, engine.inputBytes, 0));
    if (!training.logits().every(Number.isFinite)) throw new Error('logits are not finite');
    training.enable(false);
    expectSpecification(engine, trainableBytes); // nor does one that is switched off
    return outcome;
  },
};

const NUMBERS = [0, 1, 2, 3, 7, 64, 65, 255, 256, 0.001, 0.5, 0.999, 1, 100, 65535, 1e9, -1];

/** Half of them sound. */
function anyOptions(random: Random): Partial<TrainingOptions> {
  if (random.oneIn(2)) return { steps: random.between(1, 9), seed: random.u32() };
  const any = (): number => random.pick(NUMBERS);
  const options: Partial<TrainingOptions> = { steps: random.pick([0, 1, 2, 5, 9]), seed: any() };
  const names = ['batch', 'rate', 'momentum', 'decay', 'clip', 'smoothing'] as const;
  const views = ['views', 'shiftRows', 'noise', 'gain'] as const;
  for (const name of [...names, ...views]) if (random.oneIn(4)) options[name] = any();
  return options;
}

/** Anything that a script may ask for, in any order. A refusal is a RetuneError with a reason. */
const ACTIONS: ((engine: Engine, random: Random) => void)[] = [
  remember,
  remember,
  remember,
  ({ training }, random) => training.begin(anyOptions(random)),
  ({ training }, random) => void training.run(random.pick([0, 1, 1000, 1_000_000])),
  (engine) => finish(engine),
  ({ training }) => training.stop(),
  ({ training }) => training.restore(),
  ({ training }, random) => void training.evaluate(random.oneIn(2) ? 'train' : 'heldOut'),
  ({ training }) => training.load(training.save()),
  ({ training }, random) => training.enable(random.oneIn(2)),
  ({ training }, random) => training.reset(random.u32()),
  ({ training }) => training.forget(),
  ({ training }, random) => training.assign(random.below(6), 'heldOut'),
  (engine, random) => void engine.infer(randomInput(random.below(9), engine.inputBytes, 0)),
];

const training: Target = {
  name: 'training',
  run: async (random) => {
    const engine = await adaptable(random);
    // Some action is nearly always refused; a case counts as accepted when it has trained.
    let outcome: Outcome = 'refused';
    for (let n = random.below(4); n > 0; n--) remember(engine, random);
    for (let step = random.between(4, 25); step > 0; step--) {
      const action = random.pick(ACTIONS);
      await accepting('fuzz.tflite', () => action(engine, random));
      if (engine.training.step > 0) outcome = 'accepted';
    }
    return outcome;
  },
};

const unguarded: Target[] = [
  tflite,
  tfliteContent,
  networks,
  metadata,
  manifest,
  index,
  wav,
  image,
  dsp,
  adapter,
  training,
];

export const targets: Target[] = unguarded.map(({ name, run }) => ({
  name,
  run: (random) => guarded(() => run(random)),
}));
