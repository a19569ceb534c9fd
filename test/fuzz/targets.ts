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
import { readModel } from '../oracle/flatmodel.ts';
import { ReferenceInterpreter } from '../oracle/reference.ts';
import { randomInput } from '../support/inputs.ts';
import { smallKeywordModel } from '../support/models.ts';
import { randomModel } from '../support/random-model.ts';
import type { Random } from '../support/random.ts';
import { writeTflite } from '../support/tflite-writer.ts';
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

/** Any well-formed network of the supported operators must compile and be exact. */
const networks: Target = {
  name: 'networks',
  run: async (random) => {
    const bytes = writeTflite(randomModel(random.u32()));
    const engine = await Engine.load(bytes, { file: 'fuzz.tflite' });
    expectSpecification(engine, bytes);
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

const GUARD = 0xa5;
const GUARD_BYTES = 64;

/** Memory of the firmware between guard bytes that a case must leave as they are. */
class Guarded {
  private readonly guards: number[] = [];

  constructor(readonly firmware: Firmware) {}

  allocate(bytes: number): number {
    // allocate() aligns its result to 16, so the guard begins right behind the last byte.
    const at = this.firmware.allocate(bytes + GUARD_BYTES);
    this.firmware.u8(at + bytes, GUARD_BYTES).fill(GUARD);
    this.guards.push(at + bytes);
    return at;
  }

  expectUntouched(): void {
    for (const at of this.guards) {
      const guard = this.firmware.u8(at, GUARD_BYTES);
      if (!guard.every((v) => v === GUARD)) throw new Error('wrote behind the memory it was given');
    }
  }
}

const image: Target = {
  name: 'image',
  run: (random) => {
    const { description, arenaBytes } = compileModel(baseBytes, 'fuzz.tflite');
    const memory = new Guarded(new Firmware());
    const { firmware } = memory;
    const size = buildImage(description, 0).bytes.length;
    const at = memory.allocate(size);
    firmware.u8(at, size).set(damagedImage(random, buildImage(description, at).bytes));
    const arena = memory.allocate(arenaBytes);
    const engine = memory.allocate(firmware.call('rt_sim_engine_bytes'));
    return accepting('image', () => {
      firmware.check('image', 'rt_sim_engine_init', engine, at, at, size, arena, arenaBytes);
      firmware.call('rt_engine_begin', engine);
      // Bounded: the image's own sizes are checked against the arena and its tables.
      while (firmware.check('image', 'rt_engine_run', engine, 1_000_000) > 0);
      memory.expectUntouched();
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
    const memory = new Guarded(new Firmware());
    const { firmware } = memory;
    const profile = firmware.call('rt_dsp_profile', random.below(2));
    const bytes = firmware.call('rt_dsp_memory_bytes', profile, DSP_RING);
    const state = memory.allocate(firmware.call('rt_dsp_state_bytes'));
    const ring = memory.allocate(bytes);
    const out = memory.allocate(4 * DSP_VALUES);
    return accepting('dsp', () => {
      firmware.check('dsp', 'rt_dsp_init', state, profile, ring, bytes, DSP_RING);
      for (let step = random.between(1, 6); step > 0; step--) {
        const pcm = strangePcm(random, random.pick([0, 1, 319, 1000, 8000, 16000, 20000]));
        const samples = memory.allocate(2 * pcm.length);
        firmware.i16(samples, pcm.length).set(pcm);
        const name = random.pick(['rt_dsp_push', 'rt_dsp_feed', 'rt_dsp_clip']);
        if (name === 'rt_dsp_clip') firmware.call(name, state, samples, pcm.length, 0, 0);
        else firmware.call(name, state, samples, pcm.length);
        if (random.oneIn(3)) firmware.call('rt_dsp_run', state, random.below(100));
        if (random.oneIn(8)) firmware.call('rt_dsp_discard', state);
        firmware.call('rt_dsp_coefficients', state, out);
      }
      memory.expectUntouched();
    });
  },
};

export const targets: Target[] = [
  tflite,
  tfliteContent,
  networks,
  manifest,
  index,
  wav,
  image,
  dsp,
];
