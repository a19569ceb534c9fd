/** The models, adapters and golden files of the training tests. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import { Engine } from '../../sim/engine.ts';
import { dataPath } from '../support/data.ts';

export const GOLDEN = fileURLToPath(new URL('../golden/training', import.meta.url));
export const METHODS = ['head', 'skip', 'lora'] as const;
export type Method = (typeof METHODS)[number];
export type CaseName = 'digits' | 'kws';

/** A parameter tensor of an adapter: rt_adapter_group_t. */
export interface CaseGroup {
  name: string;
  rows: number;
  columns: number;
  first: number;
  unit: { mantissa: number; exponent: number };
}

export interface Case {
  labels: number[];
  adapters: Record<Method, { groups: CaseGroup[]; start: string; busy: string }>;
}

/** `digits` is a copy, so that training the shipped model anew does not change these tests. */
export function modelPath(name: CaseName): string {
  return name === 'digits' ? `${GOLDEN}/digits.tflite` : dataPath('models/kws_ref_model.tflite');
}

export function readCase(name: CaseName): Case {
  return JSON.parse(readFileSync(`${GOLDEN}/${name}.inputs.json`, 'utf8')) as Case;
}

/** The windows: quantised inputs, one after the other. */
export function readInputs(name: CaseName, bytes: number): Int8Array[] {
  const all = new Int8Array(readFileSync(`${GOLDEN}/${name}.inputs.i8`));
  return Array.from({ length: all.length / bytes }, (_, i) =>
    all.slice(i * bytes, (i + 1) * bytes),
  );
}

export const HEADER_BYTES = 24;

/** A blob with another payload and a checksum that fits. */
export function withPayload(blob: Uint8Array, payload: Uint8Array): Uint8Array {
  const changed = new Uint8Array(HEADER_BYTES + payload.length);
  changed.set(blob.subarray(0, HEADER_BYTES));
  changed.set(payload, HEADER_BYTES);
  return sealed(changed);
}

/** Writes the checksum that the other bytes ask for. */
export function sealed(blob: Uint8Array): Uint8Array {
  const crc = crc32(blob.subarray(HEADER_BYTES), crc32(blob.subarray(0, 20)));
  new DataView(blob.buffer, blob.byteOffset).setUint32(20, crc >>> 0, true);
  return blob;
}

/** An engine with an adapter and all windows of a case remembered for training. */
export async function trainedCase(
  name: CaseName,
  method: Method,
  adapter?: 'start' | 'busy',
  { windows = Infinity, optimizer }: { windows?: number; optimizer?: 'momentum' } = {},
): Promise<Engine> {
  const engine = await Engine.load(modelPath(name), { adapter: { method, optimizer } });
  const { labels, adapters } = readCase(name);
  readInputs(name, engine.inputBytes).forEach((input, i) => {
    if (i >= windows) return;
    engine.infer(input);
    engine.training.remember(labels[i] ?? 0);
  });
  if (adapter) {
    const payload = Uint8Array.from(Buffer.from(adapters[method][adapter], 'hex'));
    engine.training.load(withPayload(engine.training.save(), payload));
  }
  return engine;
}
