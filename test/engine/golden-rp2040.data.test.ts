/** Golden vectors on the board's own machine code: Cortex-M0+ in an emulator. */
import { afterAll, describe, expect, it } from 'vitest';
import { ReferenceInterpreter } from '../oracle/reference.ts';
import {
  goldenInputs,
  goldenModel,
  goldenOutputs,
  networkInputs,
  readGolden,
  readNetworks,
  shortHash,
} from '../support/golden.ts';
import { randomModel } from '../support/random-model.ts';
import { EngineImage } from '../support/rp2040-engine.ts';
import { writeTflite } from '../support/tflite-writer.ts';

const image = new EngineImage();
afterAll(() => image.remove());

/** The emulator runs some ten million cycles a second: one run of each, the last (smooth) one. */
const MODELS = ['digits', 'kws_ref_model', 'str_ww_ref_model', 'ad01_int8'];
const NETWORKS = 40;

describe('on the emulated RP2040', () => {
  it.each(MODELS)('%s answers like the INT8 specification', (name) => {
    const golden = readGolden(name);
    const infer = image.start(goldenModel(golden), golden.path);
    const run = goldenOutputs(golden).length - 1;
    expect(infer(goldenInputs(golden)[run] as Int8Array)).toEqual(goldenOutputs(golden)[run]);
  });

  it('random networks answer like TensorFlow Lite with reference kernels', () => {
    const { sha256 } = readNetworks();
    const wrong = sha256.slice(0, NETWORKS).flatMap((wanted, i) => {
      const bytes = writeTflite(randomModel(i + 1));
      const reference = new ReferenceInterpreter(bytes);
      const inputs = networkInputs(reference.inputSize, reference.input.zeroPoint);
      const infer = image.start(bytes, `network ${i + 1}`);
      const answers = Int8Array.from(inputs.flatMap((input) => [...infer(input)]));
      return shortHash(answers) === wanted ? [] : [i + 1];
    });
    expect(wrong).toEqual([]);
  });
});
