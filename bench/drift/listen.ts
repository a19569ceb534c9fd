import { existsSync } from 'node:fs';
import { RetuneError } from '../../cli/error.ts';
import { Engine } from '../../sim/engine.ts';
import { loadRecordings } from '../../sim/recordings.ts';
import type { Listening, Prediction } from './streams.ts';

/** `{subject}` stands for the speaker that the model never heard. */
export const MODELS = 'models/digits/without-{subject}.tflite';

/** u8.8 and i1.15, as the learner service reports them. */
function asReported({ margin, confidence, entropy }: Prediction): Prediction {
  return {
    margin: Math.min(0xffff, Math.round(margin * 256)) / 256,
    confidence: Math.min(0x7fff, Math.round(confidence * 32768)) / 32768,
    entropy: Math.min(0x7fff, Math.round(entropy * 32768)) / 32768,
  };
}

/** Every clip of every speaker, through the model that never heard `stranger`. */
async function listen(stranger: string, model: string, folder: string): Promise<Listening> {
  const file = model.replaceAll('{subject}', stranger);
  if (!existsSync(file)) throw new RetuneError(`${file}: no such file; name another with --model`);
  const engine = await Engine.load(file);
  const bySpeaker = new Map<string, Prediction[]>();
  for (const clip of loadRecordings(folder, engine.sampleRate)) {
    const clips = bySpeaker.get(clip.speaker) ?? [];
    clips.push(asReported(engine.infer(engine.features(clip.pcm))));
    bySpeaker.set(clip.speaker, clips);
  }
  return { stranger, bySpeaker };
}

/** One listening for every speaker of the folder. */
export async function listenToAll(model: string, folder: string): Promise<Listening[]> {
  const speakers = [...new Set(loadRecordings(folder, RATE).map((clip) => clip.speaker))];
  const listenings: Listening[] = [];
  for (const speaker of speakers) listenings.push(await listen(speaker, model, folder));
  return listenings;
}

/** Recordings without a header, as here, are taken at any rate; this is that of the digits. */
const RATE = 8000;
