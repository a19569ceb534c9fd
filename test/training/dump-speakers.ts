/**
 * Writes the quantised windows of every speaker of a folder, split as `retune eval` splits them, for
 * test/training/float_lora.py.
 *
 *     npx tsx test/training/dump-speakers.ts DATA_FOLDER 'models/digits/without-{subject}.tflite' OUT
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { Engine } from '../../sim/engine.ts';
import { listSpeakers, loadRecordings, type Recording } from '../../sim/recordings.ts';
import { knownWords, splitTakes } from '../../sim/split.ts';

const [data = '', pattern = '', out = '', shots = '5'] = process.argv.slice(2);
mkdirSync(out, { recursive: true });
for (const speaker of listSpeakers(data)) {
  const model = pattern.replaceAll('{subject}', speaker);
  const engine = await Engine.load(model);
  const clips = loadRecordings(data, engine.sampleRate).filter((clip) => clip.speaker === speaker);
  const words = knownWords(clips, [...engine.labels], data);
  const parts = splitTakes(clips, words, Number(shots));
  const labelOf = (clip: Recording): number => engine.labels.indexOf(clip.label);
  for (const part of ['train', 'test'] as const) {
    const inputs = parts[part].flatMap((clip) => [...engine.features(clip.pcm)]);
    writeFileSync(`${out}/${speaker}.${part}.i8`, Int8Array.from(inputs));
  }
  const labels = { train: parts.train.map(labelOf), test: parts.test.map(labelOf) };
  writeFileSync(`${out}/${speaker}.json`, JSON.stringify({ model, ...labels }));
}
