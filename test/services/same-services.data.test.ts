/** The C modules against their TypeScript with MLPerf Tiny's model: 16 kHz, features over the peak. */
import { expect, it } from 'vitest';
import { Microphone } from '../../sim/microphone.ts';
import { loadRecordings } from '../../sim/recordings.ts';
import { dataPath } from '../support/data.ts';
import { SERVICE, ServicesBench } from './bench.ts';
import type { Device } from './device.ts';
import { Reference } from './reference.ts';

const { learner, capture } = SERVICE;
const RATE = 16000;
const WORDS = 16;
const PREDICTION = 0x80;
const TRAINING_DONE = 0x82;

function hearing(): Microphone {
  const microphone = new Microphone(RATE);
  const clips = loadRecordings(dataPath('audio/speech_commands'), RATE);
  for (let i = 0; i < WORDS; i++) {
    const clip = clips[(37 * i) % clips.length];
    if (clip !== undefined) microphone.play({ at: 2000 + 2300 * i, ...clip });
  }
  return microphone;
}

/** Hears the words, labels them 0, 1, 2, … in turn, trains, and infers again. */
async function learn(device: Device): Promise<string[]> {
  const lines: string[] = [];
  const ask = async (code: number, payload: number[]): Promise<void> => {
    const report = await device.command(learner, code, Buffer.from(payload));
    lines.push(`${code} ${report.toString('hex')}`);
  };
  await device.run(300_000);
  await device.write(capture, 0x06, Buffer.of(0, -45 & 255));
  for (let i = 0; i < 12; i++) {
    const heard = await device.until(
      ({ kind, service, code }) => kind === 'event' && service === learner && code === PREDICTION,
    );
    lines.push(heard.payload.toString('hex'));
    await ask(0x81, [0, 0, 0, 0, i, 0, i % 4 === 3 ? 1 : 0]);
  }
  await ask(0x82, [6, 0, 0, 0, 0, 0, 0, 0]);
  await device.until(({ code, kind }) => kind === 'event' && code === TRAINING_DONE);
  await device.run(device.now + 500_000);
  await ask(0x80, []);
  await ask(0x84, []);
  return lines;
}

it('say the same of words at 16 kHz', async () => {
  const model = dataPath('models/kws_ref_model.tflite');
  const ours = await learn(await ServicesBench.create({ model, microphone: hearing() }));
  const theirs = await learn(await Reference.create(model, hearing()));
  expect(ours).toEqual(theirs);
  expect(new Set(ours).size).toBeGreaterThan(14);
});
