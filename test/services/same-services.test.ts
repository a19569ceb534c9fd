/**
 * The C modules capture and learner against sim/capture.ts and sim/learner.ts: the same words give the
 * same windows, predictions, adapters and reports, byte for byte.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { Microphone } from '../../sim/microphone.ts';
import { DEFAULT_MODEL } from '../../sim/model-engine.ts';
import { loadRecordings, type Recording } from '../../sim/recordings.ts';
import { DEMO, demoVoices } from '../../sim/voices.ts';
import { SERVICE, ServicesBench } from './bench.ts';
import type { Device, Sent } from './device.ts';
import { Reference } from './reference.ts';

const { learner, capture } = SERVICE;
const RATE = 8000;
const SECOND = 1_000_000;

const REGISTER = { wake: 0x06, hop: 0x82, method: 0x80, rank: 0x81, enabled: 0x01 } as const;
const COMMAND = {
  infer: 0x80,
  remember: 0x81,
  train: 0x82,
  stop: 0x83,
  check: 0x84,
  restore: 0x85,
  reset: 0x86,
  forget: 0x87,
  save: 0x88,
  load: 0x89,
  className: 0x8a,
} as const;
const TRAINING_DONE = 0x82;
const PREDICTION = 0x80;

let voices: Recording[];

beforeAll(async () => {
  const all = loadRecordings(await demoVoices(), RATE);
  voices = all.filter(({ speaker }) => speaker === DEMO.new);
});

/** A word of the new voice. */
function word(label: number, take = 0): Recording {
  const takes = voices.filter((clip) => clip.label === String(label));
  return takes[take % takes.length] as Recording;
}

interface Placed {
  /** Milliseconds. */
  at: number;
  pcm: Int16Array;
}

/** A microphone that hears these. */
function microphone(sounds: Placed[]): Microphone {
  const heard = new Microphone(RATE);
  for (const { at, pcm } of sounds) heard.play({ at, pcm, speaker: '', label: '', take: 0 });
  return heard;
}

/** Ten digits at 2 s, 3.7 s, …, in order. */
function digits(take = 0): Placed[] {
  return Array.from({ length: 10 }, (_, label) => ({
    at: 2000 + 1700 * label,
    pcm: word(label, take).pcm,
  }));
}

/** Both boards with the same sounds around them. */
async function both(sounds: Placed[]): Promise<{ ours: ServicesBench; theirs: Reference }> {
  const model = DEFAULT_MODEL;
  return {
    ours: await ServicesBench.create({ model, microphone: microphone(sounds) }),
    theirs: await Reference.create(model, microphone(sounds)),
  };
}

/** Does the same on both and returns what came out. */
async function onBoth<T>(
  { ours, theirs }: { ours: Device; theirs: Device },
  act: (device: Device) => Promise<T>,
): Promise<[T, T]> {
  return [await act(ours), await act(theirs)];
}

const u8 = (...values: number[]): Buffer => Buffer.from(values);
function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16LE(value);
  return bytes;
}
function u32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeUInt32LE(value, 4 * i));
  return bytes;
}

/** Events of capture and learner as text. */
const eventsOf = (sent: Sent[]): string[] =>
  sent
    .filter(({ kind, service }) => kind === 'event' && service <= capture)
    .map(({ service, code, payload }) => `${service} ${code} ${payload.toString('hex')}`);

const wakeAt = async (device: Device, decibels: number): Promise<void> => {
  await device.run(300_000);
  await device.write(capture, REGISTER.wake, u16(decibels * 256));
};

describe('capture and learner in C', () => {
  it('show the same registers after power on', async () => {
    const pair = await both([]);
    const registers = {
      [learner]: [
        ...[0x01, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88],
        ...[0x180, 0x181, 0x182, 0x183, 0x184, 0x185, 0x186, 0x187, 0x188, 0x189],
        ...[0x18a, 0x18b, 0x18c, 0x18d, 0x18e, 0x18f, 0x190, 0x191, 0x192],
      ],
      [capture]: [0x01, 0x06, 0x80, 0x81, 0x82, 0x101, 0x180, 0x181, 0x182, 0x183],
    };
    const [ours, theirs] = await onBoth(pair, async (device) => {
      const lines: string[] = [];
      for (const [service, codes] of Object.entries(registers)) {
        for (const code of codes) {
          const value = await device.read(Number(service), code);
          lines.push(`${service} ${code.toString(16)} ${value.toString('hex')}`);
        }
      }
      return lines;
    });
    expect(ours).toEqual(theirs);
  });

  it('cut the same windows around words, clicks, long and neighbouring sounds', async () => {
    const long = Int16Array.from({ length: 28000 }, (_, n) => 6000 * Math.sin(0.3 * n));
    const quiet = Int16Array.from({ length: 4000 }, (_, n) => 40 * Math.sin(0.3 * n));
    const sounds = [
      ...digits(),
      { at: 20_000, pcm: long.subarray(0, 300) }, // a click
      { at: 21_003, pcm: long },
      { at: 26_000, pcm: word(3).pcm },
      { at: 26_000 + word(3).pcm.length / 8 + 200, pcm: word(4).pcm }, // one sound
      { at: 29_000, pcm: quiet },
      { at: 31_000, pcm: word(5).pcm },
      { at: 31_000 + word(5).pcm.length / 8 + 330, pcm: long.subarray(0, 700) }, // two sounds
    ];
    const [ours, theirs] = await onBoth(await both(sounds), async (device) => {
      await wakeAt(device, -60);
      device.take();
      await device.run(34 * SECOND);
      return eventsOf(device.take());
    });
    expect(theirs.filter((line) => line.startsWith(`${learner} `)).length).toBeGreaterThan(13);
    expect(ours).toEqual(theirs);
  }, 60_000);

  it('cut the same windows every hop, and lose the same ones', async () => {
    const [ours, theirs] = await onBoth(await both(digits()), async (device) => {
      await device.run(1_100_000);
      await device.write(capture, REGISTER.hop, u32(3000));
      await device.run(4_100_000);
      await device.write(capture, REGISTER.hop, u32(700));
      await device.run(5_100_000);
      await device.write(capture, REGISTER.hop, u32(0));
      await device.run(9_100_000);
      await device.write(capture, REGISTER.wake, u16(-50 * 256));
      await device.run(20 * SECOND);
      const counts = [];
      for (const code of [0x81, 0x82, 0x181, 0x182, 0x183, 0x101]) {
        counts.push((await device.read(capture, code)).toString('hex'));
      }
      return { events: eventsOf(device.take()), counts };
    });
    expect(ours).toEqual(theirs);
  }, 60_000);

  it('learn the same adapter and report the same of it', async () => {
    const [ours, theirs] = await onBoth(await both(digits(0).concat(second())), async (device) => {
      const lines: string[] = [];
      const ask = async (code: number, payload?: Buffer): Promise<void> => {
        const report = await device.command(learner, code, payload);
        lines.push(`${code.toString(16)} ${report.toString('hex')}`);
      };
      await wakeAt(device, -60);
      await ask(COMMAND.infer);
      await ask(COMMAND.train, u32(10, 0)); // no samples
      await ask(COMMAND.check);
      await ask(COMMAND.restore);
      await ask(COMMAND.load, u8(0));
      await ask(COMMAND.save, u8(8));
      for (let label = 0; label < 10; label++) {
        await device.until(({ service, code }) => service === learner && code === PREDICTION);
        device.take();
        await ask(COMMAND.remember, Buffer.concat([u32(0), u16(label), u8(label === 3 ? 1 : 0)]));
        if (label === 8) {
          await ask(COMMAND.remember, Buffer.concat([u32(7), u16(6), u8(1)]));
          await ask(COMMAND.remember, Buffer.concat([u32(90), u16(6), u8(1)]));
          await ask(COMMAND.remember, Buffer.concat([u32(7), u16(10), u8(1)]));
        }
      }
      await ask(COMMAND.check);
      await ask(COMMAND.train, u32(24, 0));
      await ask(COMMAND.save, u8(1)); // busy
      await ask(COMMAND.check);
      await ask(COMMAND.remember, Buffer.concat([u32(0), u16(1), u8(0)]));
      const { payload: done } = await device.until(({ code }) => code === TRAINING_DONE);
      lines.push(`reason and steps ${done.subarray(0, 4).toString('hex')}`);
      const [loss, energy] = [done.readUInt32LE(4) / 4096, done.readUInt32LE(8) / 32768];
      await ask(COMMAND.infer);
      await ask(COMMAND.check);
      await ask(COMMAND.save, u8(1));
      await ask(COMMAND.restore);
      await ask(COMMAND.restore);
      await ask(COMMAND.infer);
      await ask(COMMAND.check);
      await ask(COMMAND.load, u8(1));
      await ask(COMMAND.infer);
      await ask(COMMAND.reset);
      await ask(COMMAND.infer);
      const burst = async (): Promise<void> => {
        await ask(COMMAND.train, u32(3, 0));
        device.take();
        await device.until(({ code }) => code === TRAINING_DONE);
        await device.run(device.now + 500_000);
      };
      await burst();
      await ask(COMMAND.load, u8(1));
      await ask(COMMAND.check); // before is as after
      await ask(COMMAND.restore);
      await burst();
      await ask(COMMAND.reset);
      await ask(COMMAND.restore);
      await ask(COMMAND.infer);
      await ask(COMMAND.className, u8(7));
      await ask(COMMAND.className, u8(10));
      await ask(COMMAND.forget);
      await ask(COMMAND.remember, Buffer.concat([u32(0), u16(1), u8(0)]));
      lines.push((await device.read(learner, 0x190)).toString('hex'));
      return { lines, loss, energy };
    });
    expect(ours.lines).toEqual(theirs.lines);
    expect(ours.loss).toBeCloseTo(theirs.loss, 2);
    expect(ours.energy / theirs.energy).toBeCloseTo(1, 2);
  }, 120_000);
});

/** The other takes, behind the first. */
function second(): Placed[] {
  return digits(1).map(({ at, pcm }) => ({ at: at + 20_000, pcm }));
}
