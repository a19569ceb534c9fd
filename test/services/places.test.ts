/**
 * Places and slots of the learner: C against sim/learner.ts byte for byte, and what must hold whatever
 * is asked when: a change of place never touches another's adapter, and never an inference under way.
 */
import fc from 'fast-check';
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
const PREDICTION = 0x80;
const DONE = 0x82;
const WINDOW_READY = 0x80;

const COMMAND = {
  infer: 0x80,
  remember: 0x81,
  train: 0x82,
  check: 0x84,
  restore: 0x85,
  reset: 0x86,
  forget: 0x87,
  save: 0x88,
  load: 0x89,
  describe: 0x8b,
  loadPlace: 0x8c,
  swap: 0x8d,
  describePlace: 0x8e,
  rename: 0x8f,
  clearPlace: 0x90,
  drop: 0x91,
  rollBack: 0x92,
} as const;
const ACTIVE_PLACE = 0x192;

const STATUS = {
  ok: 0,
  busy: 2,
  emptySlot: 6,
  badSlot: 7,
  nothingToRestore: 10,
  older: 11,
  badPlace: 12,
  badName: 13,
} as const;

/** native/store/store.h and adapter_record.h */
const ADAPTER_KEY = 0x100;
const RECORD_BYTES = 72;
const FRESH = 1;
const TRIAL = 2;
/** Byte of the report of `describe`. */
const STATE_AT = 23;

let clips: Recording[];

beforeAll(async () => {
  const all = loadRecordings(await demoVoices(), RATE);
  clips = all.filter(({ speaker, take }) => speaker === DEMO.new && take < 2);
});

/** Hears the ten digits twice, from 2 s on. */
function microphone(): Microphone {
  const heard = new Microphone(RATE);
  clips.forEach((clip, i) => heard.play({ ...clip, at: 2000 + 1700 * i }));
  return heard;
}

const u8 = (...values: number[]): Buffer => Buffer.from(values);
const u32 = (...values: number[]): Buffer => Buffer.from(Uint32Array.from(values).buffer);
const statusOf = (report: Buffer): number => report.readUInt16LE();

const isEvent =
  (service: number, code: number) =>
  (sent: Sent): boolean =>
    sent.kind === 'event' && sent.service === service && sent.code === code;

async function listen(device: Device): Promise<void> {
  await device.run(300_000);
  await device.write(capture, 0x06, u8(0, -60 & 255));
}

/** Labels so many of the coming windows, every fifth held out. */
async function enrol(device: Device, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    device.take();
    await device.until(isEvent(learner, PREDICTION));
    const label = Number(clips[i]?.label);
    const purpose = i % 5 === 4 ? 1 : 0;
    const report = await device.command(
      learner,
      COMMAND.remember,
      Buffer.concat([u32(0), u8(label, 0, purpose)]),
    );
    expect(statusOf(report)).toBe(STATUS.ok);
  }
}

/** A board in C that has heard ten words. */
async function createBench(words = 10): Promise<ServicesBench> {
  const bench = await ServicesBench.create({ model: DEFAULT_MODEL, microphone: microphone() });
  await listen(bench);
  await enrol(bench, words);
  return bench;
}

const ask = (bench: ServicesBench, code: number, payload: Buffer = u8()): Buffer =>
  bench.command(learner, code, payload);

function train(bench: ServicesBench, steps: number): void {
  bench.take();
  expect(statusOf(ask(bench, COMMAND.train, u32(steps, 0)))).toBe(STATUS.ok);
  bench.until(isEvent(learner, DONE));
}

/** A saved adapter as it lies in flash: this version, 0 being the newest. */
function blobAt(bench: ServicesBench, slot: number, back = 0): Uint8Array {
  const { firmware } = bench;
  const at = firmware.allocate(8);
  expect(firmware.call('rt_store_get_version', ADAPTER_KEY + slot, back, at, at + 4)).toBe(0);
  const [data = 0, bytes = 0] = firmware.u32(at, 2);
  return firmware.u8(data + RECORD_BYTES, bytes - RECORD_BYTES);
}

/** The adapter in the active place, by way of a slot that nothing else uses. */
function adapterOf(bench: ServicesBench): Buffer {
  expect(statusOf(ask(bench, COMMAND.save, u8(7)))).toBe(STATUS.ok);
  return Buffer.from(blobAt(bench, 7));
}

const swapTo = (bench: ServicesBench, place: number): void =>
  expect([...ask(bench, COMMAND.swap, u8(place))]).toEqual([STATUS.ok, 0, place]);

/** What the two places and the first slots can be asked. Trains rarely: that is slow. */
const request = fc.oneof(
  { arbitrary: fc.constant([COMMAND.infer] as number[]), weight: 2 },
  { arbitrary: fc.nat(3).map((place) => [COMMAND.swap, place]), weight: 4 },
  {
    arbitrary: fc.nat(8).map((slot) => [COMMAND.save, slot % 3 === 2 ? slot : slot % 3]),
    weight: 3,
  },
  { arbitrary: fc.nat(3).map((slot) => [COMMAND.load, slot]), weight: 2 },
  { arbitrary: fc.tuple(fc.nat(3), fc.nat(2)).map((x) => [COMMAND.loadPlace, ...x]), weight: 3 },
  { arbitrary: fc.nat(3).map((slot) => [COMMAND.describe, slot]), weight: 3 },
  { arbitrary: fc.nat(2).map((place) => [COMMAND.describePlace, place]), weight: 3 },
  {
    arbitrary: fc
      .tuple(fc.nat(2), fc.constantFrom('', 'Jo', 'Zoë', '家'.repeat(8), '家'.repeat(9), 'a\nb'))
      .map(([place, name]) => [COMMAND.rename, place, ...Buffer.from(name)]),
    weight: 3,
  },
  { arbitrary: fc.nat(2).map((place) => [COMMAND.clearPlace, place]), weight: 1 },
  { arbitrary: fc.nat(8).map((slot) => [COMMAND.drop, slot]), weight: 1 },
  { arbitrary: fc.nat(8).map((slot) => [COMMAND.rollBack, slot % 4]), weight: 1 },
  {
    arbitrary: fc
      .constantFrom(COMMAND.check, COMMAND.restore, COMMAND.reset)
      .map((code): number[] => [code]),
    weight: 2,
  },
  { arbitrary: fc.nat(2).map((steps) => [COMMAND.train, steps + 1, 0, 0, 0]), weight: 1 },
);

/** Asks one after another and waits for bursts. @returns the reports as text */
async function answers(device: Device, requests: number[][]): Promise<string[]> {
  const lines: string[] = [];
  for (const [code = 0, ...payload] of requests) {
    const report = await device.command(learner, code, Buffer.from(payload));
    lines.push(`${code.toString(16)} ${payload.join()} ${report.toString('hex')}`);
    if (code !== COMMAND.train || statusOf(report) !== STATUS.ok) continue;
    device.take();
    await device.until(isEvent(learner, DONE));
    await device.run(device.now + 500_000);
  }
  const active = await device.read(learner, ACTIVE_PLACE);
  return [...lines, active.toString('hex')];
}

describe('places and slots', () => {
  it('answer in C as in TypeScript, whatever is asked', async () => {
    const sequence = fc.array(request, { minLength: 60, maxLength: 60 });
    const [requests = []] = fc.sample(sequence, { numRuns: 1, seed: 5 });
    const theirs = await Reference.create(DEFAULT_MODEL, microphone());
    await listen(theirs);
    await enrol(theirs, 5);
    const ours = await createBench(5);
    expect(await answers(ours, requests)).toEqual(await answers(theirs, requests));
  }, 300_000);

  it('hold adapters apart: what is learnt in one place leaves the other as it is', async () => {
    const bench = await createBench();
    const base = adapterOf(bench);
    train(bench, 20);
    const first = adapterOf(bench);
    expect(first.equals(base)).toBe(false);
    swapTo(bench, 1);
    expect(adapterOf(bench)).toEqual(base);
    train(bench, 12);
    const second = adapterOf(bench);
    expect(second.equals(first)).toBe(false);
    ask(bench, COMMAND.check);
    for (const place of [0, 1, 1, 0, 1, 0]) {
      swapTo(bench, place);
      expect(adapterOf(bench)).toEqual(place === 0 ? first : second);
      ask(bench, COMMAND.infer);
    }
    ask(bench, COMMAND.clearPlace, u8(1));
    expect(adapterOf(bench)).toEqual(first);
  });

  it('change between two inferences, never during one', async () => {
    const isPrediction = isEvent(learner, PREDICTION);
    const isSwapped = ({ kind, code }: Sent): boolean => kind === 'report' && code === COMMAND.swap;
    const inferred = new Set<string>();
    /** Place 0 has learnt, place 1 has not; so long after the next window place 1 is asked for. */
    const heard = async (delay: number): Promise<string> => {
      const bench = await createBench(5);
      train(bench, 60);
      bench.take();
      if (delay < 0) swapTo(bench, 1);
      bench.until(isEvent(capture, WINDOW_READY));
      bench.wait(Math.max(0, delay));
      if (delay >= 0) bench.send(learner, COMMAND.swap, u8(1));
      bench.wait(400_000);
      const sent = bench.take();
      const [swapped, predicted] = [sent.findIndex(isSwapped), sent.findIndex(isPrediction)];
      expect(predicted).toBeGreaterThanOrEqual(0);
      if (delay >= 0) expect(swapped).toBeGreaterThan(predicted);
      inferred.add(bench.command(learner, COMMAND.infer).toString('hex'));
      return sent[predicted]?.payload.toString('hex') ?? '';
    };
    const other = await heard(-1);
    const own = await heard(350_000);
    expect(other).not.toBe(own);
    for (let delay = 0; delay <= 150_000; delay += 25_000) {
      expect(await heard(delay), `${delay} us after the window`).toBe(own);
    }
    expect(inferred.size).toBe(1); // from then on it is the other's
  }, 300_000);

  it('refuse to change while a burst or a check needs the adapter', async () => {
    const bench = await createBench();
    bench.command(learner, COMMAND.train, u32(100, 0));
    expect([...ask(bench, COMMAND.swap, u8(1))]).toEqual([STATUS.busy, 0, 0]);
    expect(statusOf(ask(bench, COMMAND.loadPlace, u8(0, 1)))).toBe(STATUS.busy);
    expect(statusOf(ask(bench, COMMAND.clearPlace, u8(1)))).toBe(STATUS.busy);
    bench.until(isEvent(learner, DONE));
    bench.send(learner, COMMAND.check);
    expect([...ask(bench, COMMAND.swap, u8(1))]).toEqual([STATUS.busy, 0, 0]);
    bench.wait(5_000_000);
    swapTo(bench, 1);
    // a change that waits keeps others away as well
    bench.send(learner, COMMAND.infer);
    bench.send(learner, COMMAND.swap, u8(0));
    expect(statusOf(ask(bench, COMMAND.train, u32(1, 0)))).toBe(STATUS.busy);
    expect([...bench.until(({ code }) => code === COMMAND.swap).payload]).toEqual([0, 0, 0]);
  });

  it('undo a burst where it was done, and nowhere else', async () => {
    const bench = await createBench();
    const base = adapterOf(bench);
    train(bench, 10);
    const trained = adapterOf(bench);
    swapTo(bench, 1);
    expect(statusOf(ask(bench, COMMAND.restore))).toBe(STATUS.nothingToRestore);
    expect(adapterOf(bench)).toEqual(base);
    swapTo(bench, 0);
    expect(adapterOf(bench)).toEqual(trained);
    expect(ask(bench, COMMAND.describePlace, u8(0)).readUInt32LE(4)).toBe(1); // bursts
    expect(statusOf(ask(bench, COMMAND.restore))).toBe(STATUS.ok);
    expect(ask(bench, COMMAND.describePlace, u8(0)).readUInt32LE(4)).toBe(0);
    expect(adapterOf(bench)).toEqual(base);
  });

  it('load the version before when the newest is damaged, and say so', async () => {
    const bench = await createBench();
    ask(bench, COMMAND.rename, Buffer.concat([u8(0), Buffer.from('first')]));
    ask(bench, COMMAND.save, u8(2));
    const first = Buffer.from(blobAt(bench, 2));
    train(bench, 10);
    ask(bench, COMMAND.rename, Buffer.concat([u8(0), Buffer.from('second')]));
    ask(bench, COMMAND.save, u8(2));
    expect(ask(bench, COMMAND.describe, u8(2)).subarray(28).toString()).toBe('second');
    const newest = blobAt(bench, 2);
    const byte = newest.findIndex((value) => value !== 0);
    newest[byte] = 0; // bits that were lost at rest
    expect(statusOf(ask(bench, COMMAND.describe, u8(2)))).toBe(STATUS.older);
    expect(ask(bench, COMMAND.describe, u8(2)).subarray(28).toString()).toBe('first');
    expect(statusOf(ask(bench, COMMAND.loadPlace, u8(2, 1)))).toBe(STATUS.older);
    swapTo(bench, 1);
    expect(adapterOf(bench)).toEqual(first);
    const older = blobAt(bench, 2, 1);
    older[100] = (older[100] ?? 0) ^ 1;
    expect(statusOf(ask(bench, COMMAND.load, u8(2)))).toBe(STATUS.badSlot);
    expect(adapterOf(bench)).toEqual(first); // as it was
  });

  it('keep names and scores over a power cut, and put what was installed on trial', async () => {
    const bench = await createBench();
    train(bench, 10);
    const check = ask(bench, COMMAND.check);
    ask(bench, COMMAND.rename, Buffer.concat([u8(0), Buffer.from('Zoë')]));
    ask(bench, COMMAND.save, u8(3));
    const saved = adapterOf(bench);
    bench.powerOn();
    const report = ask(bench, COMMAND.describe, u8(3));
    expect(report.subarray(28).toString()).toBe('Zoë');
    expect(report.subarray(16, 22)).toEqual(check.subarray(2, 8)); // total, before, after
    expect(report.readUInt32LE(8)).toBe(1); // bursts
    expect(report[STATE_AT]).toBe(0);
    expect(bench.firmware.call('rt_adapter_record_set_state', 3, FRESH)).toBe(0);
    expect(ask(bench, COMMAND.describe, u8(3))[STATE_AT]).toBe(FRESH);
    expect(statusOf(ask(bench, COMMAND.loadPlace, u8(3, 1)))).toBe(STATUS.ok);
    expect(ask(bench, COMMAND.describe, u8(3))[STATE_AT]).toBe(TRIAL);
    swapTo(bench, 1);
    expect(adapterOf(bench)).toEqual(saved);
  });

  it('refuse names that are no text', async () => {
    const bench = await createBench(1);
    const rename = (name: Buffer): number =>
      statusOf(ask(bench, COMMAND.rename, Buffer.concat([u8(0), name])));
    const bad = [
      'c080',
      'eda080',
      'f4908080',
      'c3',
      '41c3',
      '80',
      'ff',
      'e28228',
      '00',
      '7f',
      '0a',
    ];
    for (const hex of bad) expect(rename(Buffer.from(hex, 'hex')), hex).toBe(STATUS.badName);
    for (const name of ['', 'é', '€', '🎤', 'x'.repeat(24)]) {
      expect(rename(Buffer.from(name)), name).toBe(STATUS.ok);
      const report = ask(bench, COMMAND.describePlace, u8(0));
      expect(report.subarray(16).toString()).toBe(name);
    }
    expect(rename(Buffer.from('x'.repeat(25)))).toBe(STATUS.badName);
    expect(statusOf(ask(bench, COMMAND.rename, u8(2, 65)))).toBe(STATUS.badPlace);
  });
});
