/**
 * Random networks through TensorFlow Lite's reference kernels: shapes, strides, scales and zero points
 * that the five reference models do not have. Stored are hashes of TensorFlow Lite's answers.
 */
import { writeFileSync } from 'node:fs';
import {
  networkInputs,
  networksFile,
  NETWORKS,
  shortHash,
  type NetworkGolden,
} from '../support/golden.ts';
import { randomModel } from '../support/random-model.ts';
import { writeTflite } from '../support/tflite-writer.ts';
import type { BrowserTflite } from './browser.ts';
import { count, nothing } from './compare.ts';
import { withWeightsAsInputs } from './flatmodel.ts';
import { forReferenceKernels } from './grouped.ts';
import { ReferenceInterpreter } from './reference.ts';

const joined = (rows: Int8Array[]): Int8Array => Int8Array.from(rows.flatMap((r) => [...r]));

export async function makeNetworks(tflite: BrowserTflite): Promise<NetworkGolden> {
  const golden: NetworkGolden = { runtime: tflite.version, difference: nothing(), sha256: [] };
  for (let seed = 1; seed <= NETWORKS; seed++) {
    const bytes = writeTflite(randomModel(seed));
    const reference = new ReferenceInterpreter(bytes);
    const inputs = networkInputs(reference.inputSize, reference.input.zeroPoint);
    const { file, weights } = withWeightsAsInputs(forReferenceKernels(bytes));
    const answers = joined((await tflite.run(file, inputs, weights)).outputs);
    count(golden.difference, joined(inputs.map((input) => reference.infer(input))), answers);
    golden.sha256.push(shortHash(answers));
  }
  return golden;
}

export function storeNetworks(golden: NetworkGolden): void {
  writeFileSync(networksFile, `${JSON.stringify(golden, undefined, 1)}\n`);
}
