/** What the C learner does beside answering: work in slices, ends of bursts, other adapters. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Microphone } from '../../sim/microphone.ts';
import { DEFAULT_MODEL } from '../../sim/model-engine.ts';
import { loadRecordings, type Recording } from '../../sim/recordings.ts';
import { DEMO, demoVoices } from '../../sim/voices.ts';
import { SERVICE, ServicesBench } from './bench.ts';
import type { Sent } from './device.ts';

const { learner, capture } = SERVICE;
const RATE = 8000;
const PREDICTION = 0x80;
const PROGRESS = 0x81;
const DONE = 0x82;
const ERROR = 0x83;
const REMEMBER = 0x81;
const TRAIN = 0x82;
const STOP = 0x83;
const METHOD = 0x80;
const RANK = 0x81;
const SLICE = 0x88;
const OK = 0;
/** Of slot 0, and of what lies before the adapter in a record: native/store/adapter_record.h. */
const ADAPTER_KEY = 0x100;
const RECORD_BYTES = 72;

let clips: Recording[];

beforeAll(async () => {
  const all = loadRecordings(await demoVoices(), RATE);
  clips = all.filter(({ speaker, take }) => speaker === DEMO.new && take === 0);
});

/** A board that hears the ten digits from 2 s on, again and again. */
async function create(rounds = 1): Promise<ServicesBench> {
  const microphone = new Microphone(RATE);
  for (let i = 0; i < rounds * clips.length; i++) {
    const { pcm, speaker, label, take } = clips[i % clips.length] as Recording;
    microphone.play({ at: 2000 + 1700 * i, pcm, speaker, label, take });
  }
  const bench = await ServicesBench.create({ model: DEFAULT_MODEL, microphone });
  bench.run(300_000);
  bench.write(capture, 0x06, Buffer.of(0, -60 & 255));
  return bench;
}

const u32s = (...values: number[]): Buffer => Buffer.from(Uint32Array.from(values).buffer);
const isEvent =
  (code: number) =>
  (sent: Sent): boolean =>
    sent.kind === 'event' && sent.service === learner && sent.code === code;
const count = (sent: Sent[], code: number): number => sent.filter(isEvent(code)).length;

/** Labels every window as what was said. */
function enrol(bench: ServicesBench): void {
  for (const { label } of clips) {
    bench.until(isEvent(PREDICTION));
    const payload = Buffer.concat([u32s(0), Buffer.of(Number(label), 0, 0)]);
    expect(bench.command(learner, REMEMBER, payload).readUInt16LE()).toBe(OK);
    bench.take();
  }
}

/** The bytes that an adapter of this method is saved as. */
function blobOf(bench: ServicesBench): Buffer {
  expect(bench.command(learner, 0x88, Buffer.of(0)).readUInt16LE()).toBe(OK);
  const { firmware } = bench;
  const at = firmware.allocate(8);
  expect(firmware.call('rt_store_get', ADAPTER_KEY, at, at + 4)).toBe(OK);
  const [data = 0, bytes = 0] = firmware.u32(at, 2);
  return Buffer.from(firmware.u8(data, bytes)).subarray(RECORD_BYTES);
}

describe('the learner in C', () => {
  it('works in slices: no poll holds up the main loop', async () => {
    const bench = await create(3);
    enrol(bench);
    expect(bench.command(learner, TRAIN, u32s(150, 0)).readUInt16LE()).toBe(OK);
    bench.until(isEvent(DONE));
    const sent = bench.take();
    expect(count(sent, PREDICTION)).toBeGreaterThan(2); // capture and prediction go on meanwhile
    expect(count(sent, PROGRESS)).toBeGreaterThanOrEqual(18);
    // register slice (20 ms) and a unit more, in microseconds
    expect(bench.longestPoll).toBeGreaterThan(15_000);
    expect(bench.longestPoll).toBeLessThan(25_000);
  });

  it('trains the same adapter whatever else it does, and however the work is cut', async () => {
    const blobs: Buffer[] = [];
    for (const [rounds, slice] of [
      [1, 20000],
      [5, 20000],
      [5, 1300],
    ] as const) {
      const bench = await create(rounds);
      enrol(bench);
      bench.write(learner, SLICE, u32s(slice));
      bench.command(learner, TRAIN, u32s(40, 0));
      bench.until(isEvent(DONE), 120_000_000);
      blobs.push(blobOf(bench));
    }
    expect(blobs[1]).toEqual(blobs[0]);
    expect(blobs[2]).toEqual(blobs[0]);
  });

  it('ends a burst when told to and when the budget is spent', async () => {
    const bench = await create();
    enrol(bench);
    bench.command(learner, TRAIN, u32s(300, 0));
    bench.wait(3_000_000);
    expect(bench.command(learner, STOP).readUInt16LE()).toBe(OK);
    const stopped = bench.until(isEvent(DONE), 1_000_000).payload;
    expect(stopped.readUInt16LE(0)).toBe(2);
    expect(stopped.readUInt16LE(2)).toBeGreaterThan(5);
    expect(stopped.readUInt16LE(2)).toBeLessThan(290);
    bench.take();
    bench.command(learner, TRAIN, u32s(300, 2000));
    const spent = bench.until(isEvent(DONE)).payload;
    expect(spent.readUInt16LE(0)).toBe(1);
    // two seconds at 79.2 mW
    expect(spent.readUInt32LE(8) / 32768).toBeCloseTo(0.1584, 2);
    bench.take();
    expect(bench.command(learner, 0x84)).toHaveLength(16);
    expect(bench.command(learner, 0x85).readUInt16LE()).toBe(OK); // restore
  });

  it('offers the methods that were built in, and no others', async () => {
    const bench = await create(2);
    enrol(bench);
    bench.write(learner, METHOD, Buffer.of(1)); // head
    expect(bench.read(learner, METHOD)).toEqual(Buffer.of(1));
    expect(bench.read(learner, RANK)).toEqual(Buffer.of(1));
    expect(bench.read(learner, 0x18b).readUInt16LE()).toBe(0); // labelled windows are gone
    expect(bench.read(learner, 0x187).readUInt16LE()).toBe(1188);
    bench.write(learner, RANK, Buffer.of(3));
    const error = bench.until(isEvent(ERROR)).payload;
    expect(error.readUInt16LE()).toBe(9);
    expect(error.subarray(2).toString()).toBe('no adapter head of rank 3');
    expect(bench.read(learner, RANK)).toEqual(Buffer.of(1));
    bench.write(learner, METHOD, Buffer.of(2));
    expect(bench.read(learner, RANK)).toEqual(Buffer.of(8));
    bench.write(learner, RANK, Buffer.of(200)); // as much as there can be, and that is not there
    expect(bench.until(isEvent(ERROR)).payload.subarray(2).toString()).toBe(
      'no adapter skip of rank 16',
    );
    bench.write(learner, METHOD, Buffer.of(1));
    bench.write(learner, METHOD, Buffer.of(7));
    expect(bench.read(learner, METHOD)).toEqual(Buffer.of(1));
    bench.write(learner, METHOD, Buffer.of(0)); // none
    expect(bench.read(learner, METHOD)).toEqual(Buffer.of(0));
    expect(bench.command(learner, TRAIN, u32s(10, 0)).readUInt16LE()).toBe(9);
    expect(bench.read(learner, 0x188).readUInt16LE()).toBe(0);
    bench.take();
    const plain = bench.until(isEvent(PREDICTION)).payload;
    expect(plain.readInt16LE(6)).toBeGreaterThan(3000);
  });

  it('keeps its model when the memory is too small for another', async () => {
    const bench = await create();
    const { firmware } = bench;
    const ARENA_BYTES = 12; // of rt_learner_setup_t
    const variable = (firmware.exports['rt_learner_setup'] as WebAssembly.Global).value as number;
    firmware.u32((firmware.u32(variable, 1)[0] ?? 0) + ARENA_BYTES, 1)[0] = 40_000;
    bench.write(learner, METHOD, Buffer.of(1)); // head takes less
    expect(bench.read(learner, METHOD)).toEqual(Buffer.of(1));
    bench.write(learner, METHOD, Buffer.of(3));
    expect(bench.until(isEvent(ERROR)).payload.readUInt16LE()).toBe(9);
    expect(bench.read(learner, METHOD)).toEqual(Buffer.of(1));
    enrol(bench);
    expect(bench.command(learner, TRAIN, u32s(2, 0)).readUInt16LE()).toBe(OK);
    bench.until(isEvent(DONE));
  });

  it('trains with an adapter inside the network while it goes on predicting', async () => {
    const bench = await create(3);
    bench.write(learner, METHOD, Buffer.of(3));
    expect(bench.read(learner, METHOD)).toEqual(Buffer.of(3));
    enrol(bench);
    bench.command(learner, TRAIN, u32s(12, 0));
    bench.until(isEvent(DONE), 120_000_000);
    expect(count(bench.take(), PREDICTION)).toBeGreaterThan(2);
    expect(bench.longestPoll).toBeLessThan(25_000);
  });

  it('begins afresh with a new script, keeps its slots and its meter', async () => {
    const bench = await create();
    enrol(bench);
    bench.command(learner, 0x88, Buffer.of(2));
    bench.command(learner, TRAIN, u32s(300, 0));
    bench.wait(500_000);
    const kilocycles = bench.read(learner, 0x18f).readUInt32LE();
    bench.firmware.call('bench_restart_script');
    bench.take();
    bench.wait(2_000_000);
    expect(count(bench.take(), DONE)).toBe(0);
    expect(bench.read(learner, 0x18d)).toEqual(Buffer.of(0)); // training
    expect(bench.read(learner, 0x18b).readUInt16LE()).toBe(0);
    expect(bench.read(learner, 0x190)).toEqual(Buffer.of(2));
    expect(bench.read(learner, 0x18f).readUInt32LE()).toBeGreaterThanOrEqual(kilocycles);
    expect(bench.read(capture, 0x06).readInt16LE()).toBe(-128 * 256);
    expect(bench.command(learner, 0x89, Buffer.of(2)).readUInt16LE()).toBe(OK);
  });

  it('predicts the same while windows are labelled', async () => {
    const heard = async (labelled: boolean): Promise<string[]> => {
      const bench = await create();
      const isReady = ({ kind, service, code }: Sent): boolean =>
        kind === 'event' && service === capture && code === 0x80;
      const lines: string[] = [];
      for (let i = 1; i <= 4; i++) {
        bench.until(isReady);
        for (let slice = 0; slice < 15; slice++) {
          const payload = Buffer.concat([u32s(Math.max(1, i - 1)), Buffer.of(1, 0, 0)]);
          if (labelled) bench.send(learner, REMEMBER, payload);
          bench.wait(10_000);
        }
        lines.push(bench.until(isEvent(PREDICTION)).payload.toString('hex'));
        bench.take();
      }
      expect(bench.read(learner, 0x18b).readUInt16LE() > 40).toBe(labelled);
      return lines;
    };
    const plain = await heard(false);
    expect(new Set(plain).size).toBe(4);
    expect(await heard(true)).toEqual(plain);
  });

  it('sends later what the bus has no room for', async () => {
    const bench = await create(2);
    enrol(bench);
    const fill = (isFull: boolean): void => void bench.firmware.call('bench_fill_bus', +isFull);
    const held = Buffer.concat([u32s(0), Buffer.of(9, 0, 1)]);
    expect(bench.command(learner, REMEMBER, held).readUInt16LE()).toBe(OK);
    bench.command(learner, TRAIN, u32s(4, 0));
    fill(true);
    bench.wait(5_000_000);
    fill(false);
    expect(bench.until(isEvent(DONE)).payload.readUInt16LE(2)).toBe(4);
    for (const code of [0x80, 0x84]) {
      bench.take();
      bench.send(learner, code);
      fill(true);
      bench.wait(5_000_000);
      const cycles = bench.cycles;
      bench.wait(100_000);
      expect(bench.cycles - cycles).toBeLessThan(100_000 * 125); // it does not compute it again
      fill(false);
      bench.until(({ kind, code: sent }) => kind === 'report' && sent === code, 2_000_000);
    }
  });

  it('loads after a power cut what was saved before it', async () => {
    const bench = await create();
    enrol(bench);
    bench.command(learner, TRAIN, u32s(30, 0));
    bench.until(isEvent(DONE));
    const blob = blobOf(bench);
    const infer = bench.command(learner, 0x80).subarray(4);
    bench.powerOn();
    expect(bench.read(learner, 0x190)).toEqual(Buffer.of(0));
    expect(bench.command(learner, 0x89, Buffer.of(0))).toEqual(
      Buffer.from(Uint16Array.of(0, blob.length).buffer),
    );
    expect(blobOf(bench)).toEqual(blob);
    expect(infer).toHaveLength(10);
  });
});
