import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { RetuneError } from '../cli/error.ts';
import { type CompiledModel, compileModel } from '../compiler/compile.ts';
import { buildImage } from '../compiler/emit-image.ts';
import { DSP_PROFILE_FACTS } from '../native/dsp/quant.ts';
import { featureCosts } from './cycles.ts';
import type { Firmware } from './firmware.ts';
import type { Method } from './learning-engine.ts';

/** Kinds of adapter that the simulated board is built with, the first by default. */
const BUILDS: Method[] = ['skip', 'head', 'lora', 'none'];
/** Adapters that every simulated board has in RAM: enough for src/multiuser.ts. */
export const SIMULATED_PLACES = 2;
/** RT_LEARNER_PLACE_BYTES: what the learner knows of each. */
const PLACE_BYTES = 44;
/** Windows that `remember` can still reach. */
const RECENT_WINDOWS = 8;
const RING_SAMPLES = 1024;
const WORD_BYTES = 4;

const compiledModels = new Map<string, CompiledModel[]>();

/** Compiles a .tflite with every kind of adapter; once a process. */
function compileAll(file: string): CompiledModel[] {
  const known = compiledModels.get(file);
  if (known !== undefined) return known;
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch {
    throw new RetuneError(`${file}: cannot be read; give the path of a .tflite`);
  }
  const compiled = BUILDS.map((method) =>
    compileModel(
      bytes,
      file,
      method === 'none' ? {} : { adapter: { method, places: SIMULATED_PLACES } },
    ),
  );
  compiledModels.set(file, compiled);
  return compiled;
}

/**
 * Puts a model with its adapters, and the memory that learner and capture want, into a firmware
 * before it starts: rt_learner_setup_t of native/services/learner_setup.h.
 */
export function placeLearner(file: string): (firmware: Firmware) => void {
  const compiled = compileAll(file);
  return (firmware) => {
    const placed = compiled.map((model) => placeModel(firmware, model));
    const models = placeWords(
      firmware,
      placed.flatMap(({ words }) => words),
    );
    const most = (size: (model: PlacedModel) => number): number => Math.max(...placed.map(size));
    const memory = (bytes: number): number[] => [firmware.allocate(bytes), bytes];
    const audioSamples = 2 * most(({ windowSamples }) => windowSamples);
    const setup = placeWords(firmware, [
      models,
      placed.length,
      ...memory(most(({ arenaBytes }) => arenaBytes)),
      ...memory(most(({ windowsBytes }) => windowsBytes)),
      ...memory(RECENT_WINDOWS * most(({ inputBytes }) => (inputBytes + 3) & ~3)),
      ...memory(most(({ featuresBytes }) => featuresBytes)),
      firmware.allocate(2 * audioSamples),
      audioSamples,
      firmware.allocate(SIMULATED_PLACES * PLACE_BYTES),
      SIMULATED_PLACES,
    ]);
    firmware.call('rt_sim_set_learner', setup);
  };
}

interface PlacedModel {
  /** Members of rt_learner_model_t. */
  words: number[];
  arenaBytes: number;
  windowsBytes: number;
  inputBytes: number;
  featuresBytes: number;
  windowSamples: number;
}

function placeModel(firmware: Firmware, compiled: CompiledModel): PlacedModel {
  const { description, features, labels, model, training, file } = compiled;
  if (features === undefined) {
    throw new RetuneError(
      `${file}: nobody says which features it takes; give "features" in devicescript.json`,
    );
  }
  const bytes = buildImage(description, 0).bytes.length;
  const address = firmware.allocate(bytes);
  const image = buildImage(description, address);
  firmware.u8(address, bytes).set(image.bytes);
  firmware.check(file, 'rt_model_check', address, address, bytes);
  firmware.check(file, 'rt_model_check_adapter', address, address, bytes);
  const profile = firmware.call('rt_dsp_profile', features.profileId);
  const costs = featureCosts(features.profile);
  const words = [
    address,
    placeText(firmware, basename(file, '.tflite')),
    bytes,
    labels.length,
    placeWords(
      firmware,
      labels.map((label) => placeText(firmware, label)),
    ),
    profile,
    placeText(firmware, features.profile),
    address + (image.symbols['rt_features'] ?? 0),
    costs.sample,
    costs.frame,
    costs.window,
  ];
  return {
    words,
    arenaBytes: compiled.arenaBytes,
    windowsBytes: (training?.windows ?? 0) * firmware.call('rt_windows_entry_bytes', address),
    inputBytes: model.tensors[model.inputTensor]?.bytes ?? 0,
    featuresBytes: firmware.call('rt_dsp_memory_bytes', profile, RING_SAMPLES),
    windowSamples: DSP_PROFILE_FACTS[features.profile].clipSamples,
  };
}

function placeWords(firmware: Firmware, words: number[]): number {
  const address = firmware.allocate(WORD_BYTES * words.length);
  firmware.u32(address, words.length).set(words);
  return address;
}

function placeText(firmware: Firmware, text: string): number {
  const bytes = Buffer.from(`${text}\0`);
  const address = firmware.allocate(bytes.length);
  firmware.u8(address, bytes.length).set(bytes);
  return address;
}
