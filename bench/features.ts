/** Features: a second of sound on any target, judged by the portable C. */
import { Random } from '../test/support/random.ts';
import { FeatureExtractor } from '../sim/features.ts';
import { buildImage } from '../compiler/emit-image.ts';
import { Device, type BenchTarget } from './device.ts';
import { DIGITS, readModel } from './kernels.ts';
import { checksumOf, type BenchRow, type Target } from './rows.ts';
import { portableTarget, targetOf } from './targets.ts';

const SAMPLES = 8000;

/** Noise that swells and dies down. */
function sound(seed: number): Int16Array {
  const random = new Random(seed);
  return Int16Array.from({ length: SAMPLES }, (_, i) => {
    const envelope = Math.min(i, SAMPLES - i) / (SAMPLES / 2);
    return Math.round(6000 * envelope * random.bell());
  });
}

function extract(target: BenchTarget): { device: Device; output: Int8Array; cycles: number } {
  const device = new Device(target, readModel(DIGITS));
  const { compiled, firmware, modelAddress } = device;
  const { features, description, file } = compiled;
  if (!features) throw new Error(`${file} says nothing of its features`);
  const quant = modelAddress + (buildImage(description, 0).symbols['rt_features'] ?? 0);
  const extractor = new FeatureExtractor(firmware, features.profile, features.profileId, quant);
  let output: Int8Array = new Int8Array();
  const cycles = device.count(() => (output = extractor.clip(sound(5))));
  return { device, output, cycles };
}

/** One row; none on the host, which runs models alone. */
export async function benchFeatures(options: { target?: Target } = {}): Promise<BenchRow[]> {
  const { target = 'rp2040' } = options;
  const on = await targetOf(target);
  if (!on) return [];
  const { device, output, cycles } = extract(on);
  const judge = extract(await portableTarget()).output;
  const isCorrect = Buffer.from(output).equals(Buffer.from(judge));
  const row: BenchRow = {
    name: 'features-second',
    kind: 'kernel',
    target,
    what: 'MFCC of a second at 8 kHz, 49 frames',
    cycles: device.firmware.cyclesSoFar === undefined ? null : cycles,
    macs: null,
    perMac: null,
    bytes: null,
    stackBytes: device.firmware.stackBytes,
    checksum: checksumOf(output),
    isCorrect,
    reference: 'the portable C',
    ok: isCorrect,
  };
  return [row];
}
