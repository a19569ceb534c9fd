/** A microphone that breaks, before the capture service in C and before its twin beside the official VM. */
import { expect, it } from 'vitest';
import { FaultyMicrophone, type SoundFault } from '../../sim/faults.ts';
import { DEFAULT_MODEL } from '../../sim/model-engine.ts';
import { SERVICE, ServicesBench } from './bench.ts';
import type { Device, Sent } from './device.ts';
import { Reference } from './reference.ts';

const RATE = 8000;
const { capture } = SERVICE;
const REGISTER = { wake: 0x06, health: 0x184, offset: 0x185 } as const;
const WINDOW_READY = 0x80;
const HEALTH_CHANGED = 0x82;

/** Half a second of a sound that swells and fades. */
const sound = Int16Array.from({ length: RATE / 2 }, (_, n) => {
  const swell = Math.sin((Math.PI * n) / (RATE / 2)) ** 4;
  return Math.round(12000 * swell * Math.sin(0.4 * n));
});

/** What is wrong, from when on, in seconds. */
type Plan = { at: number; fault: SoundFault | undefined }[];

interface Heard {
  /** Payloads of the events. */
  windows: string[];
  health: string[];
  /** At the end. */
  registers: { health: number; offset: number };
}

const SECONDS = 14;

/** A sound every other second. */
async function live(device: Device, microphone: FaultyMicrophone, plan: Plan): Promise<Heard> {
  const sent: Sent[] = [];
  await device.run(300_000);
  await device.write(capture, REGISTER.wake, Buffer.from([0, -50 & 255]));
  for (let second = 1; second <= SECONDS; second++) {
    const change = plan.find(({ at }) => at === second);
    if (change !== undefined) microphone.fault = change.fault;
    if (second % 2 === 0) {
      microphone.play({ at: 1000 * second, pcm: sound, speaker: '', label: '', take: 0 });
    }
    await device.run(1_000_000 * (second + 1));
    sent.push(...device.take());
  }
  const payloads = (code: number): string[] =>
    sent
      .filter((one) => one.kind === 'event' && one.service === capture && one.code === code)
      .map(({ payload }) => payload.toString('hex'));
  return {
    windows: payloads(WINDOW_READY),
    health: payloads(HEALTH_CHANGED),
    registers: {
      health: (await device.read(capture, REGISTER.health)).readUInt8(),
      offset: (await device.read(capture, REGISTER.offset)).readInt16LE(),
    },
  };
}

async function liveOnBoth(plan: Plan): Promise<Heard> {
  const microphone = (): FaultyMicrophone => {
    const made = new FaultyMicrophone(RATE, 1);
    made.setNoise(-72);
    return made;
  };
  const [here, there] = [microphone(), microphone()];
  const ours = await ServicesBench.create({ model: DEFAULT_MODEL, microphone: here });
  const theirs = await Reference.create(DEFAULT_MODEL, there);
  const heard = await live(ours, here, plan);
  const other = await live(theirs, there, plan);
  // noise moves the estimate, and one of the two has heard a block more when it is asked
  expect(Math.abs(heard.registers.offset - other.registers.offset)).toBeLessThanOrEqual(3);
  other.registers.offset = heard.registers.offset;
  expect(heard).toEqual(other);
  return heard;
}

/** Levels of windows in dB: of all of it, and of its peak. */
const levelsOf = ({ windows }: Heard): number[][] =>
  windows.map((payload) => {
    const bytes = Buffer.from(payload, 'hex');
    return [bytes.readInt16LE(4) / 256, bytes.readInt16LE(6) / 256];
  });

it('hears the same words in C as beside the official VM', async () => {
  const heard = await liveOnBoth([]);
  expect(heard.windows).toHaveLength(7);
  expect(heard.health).toEqual([]);
  expect(heard.registers).toEqual({ health: 0, offset: 0 });
});

it('takes an offset away within a second, and the words sound as before', async () => {
  const plain = levelsOf(await liveOnBoth([]));
  const heard = await liveOnBoth([{ at: 3, fault: { kind: 'offset', value: 2500 } }]);
  expect(Math.abs(heard.registers.offset - 2500)).toBeLessThan(64);
  const last = levelsOf(heard).at(-1) as number[];
  last.forEach((level, n) => {
    expect(Math.abs(level - ((plain.at(-1) as number[])[n] ?? 0))).toBeLessThan(0.5);
  });
});

it('says when the converter is stuck or gone, hands on nothing meanwhile, and lives again', async () => {
  const stuck = await liveOnBoth([
    { at: 5, fault: { kind: 'stuck', value: 30000 } },
    { at: 11, fault: undefined },
  ]);
  expect(stuck.health).toEqual(['02', '00']);
  const missing = await liveOnBoth([
    { at: 5, fault: { kind: 'missing' } },
    { at: 11, fault: undefined },
  ]);
  expect(missing.health).toEqual(['01', '00']);
  for (const { windows, registers } of [stuck, missing]) {
    expect(windows).toHaveLength(4);
    expect(registers).toEqual({ health: 0, offset: 0 });
  }
});
