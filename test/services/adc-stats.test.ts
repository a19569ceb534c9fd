/** The module that was written from docs/modules.md alone. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Microphone } from '../../sim/microphone.ts';
import { DEFAULT_MODEL } from '../../sim/model-engine.ts';
import { ServicesBench } from './bench.ts';
import type { Sent } from './device.ts';

const RATE = 8000;
/** Without a model there is neither learner nor capture in front of it on the bus. */
const ADC_STATS = 5;
const WINDOW_READY = 0x80;
const MS = 1000;

const u32 = (value: number): Buffer => Buffer.from(Uint32Array.of(value).buffer);

/** A tone on a slope, silence before and behind. */
const signal = Int16Array.from({ length: 8000 }, (_, n) =>
  Math.round(9000 * Math.sin(0.7 * n) - 4000 + n),
);

interface Statistics {
  window: number;
  min: number;
  max: number;
  rms: number;
}

const windowsOf = (sent: Sent[]): Statistics[] =>
  sent
    .filter(({ kind, code }) => kind === 'event' && code === WINDOW_READY)
    .map(({ payload }) => ({
      window: payload.readUInt32LE(0),
      min: payload.readInt16LE(4),
      max: payload.readInt16LE(6),
      rms: payload.readUInt16LE(8),
    }));

function statisticsOf(samples: Int16Array, window: number): Statistics {
  const mean = samples.reduce((sum, x) => sum + x * x, 0) / samples.length;
  const rms = Math.round(Math.sqrt(Math.round(mean)));
  return { window, min: Math.min(...samples), max: Math.max(...samples), rms };
}

describe('adc_stats', () => {
  let bench: ServicesBench;
  let microphone: Microphone;

  beforeEach(async () => {
    microphone = new Microphone(RATE);
    microphone.play({ at: 200, pcm: signal, speaker: '', label: '', take: 0 });
    bench = await ServicesBench.create({ microphone });
  });

  it('measures every window of samples, none left out', () => {
    bench.run(100 * MS);
    bench.write(ADC_STATS, 0x81, u32(700));
    bench.write(ADC_STATS, 0x01, Buffer.of(255));
    bench.run(1500 * MS);
    const found = windowsOf(bench.take());
    const first = microphone.sampleAt(100);
    const expected = found.map(({ window }) =>
      statisticsOf(microphone.read(first + 700 * (window - 1), first + 700 * window), window),
    );
    expect(found).toHaveLength(16);
    expect(found).toEqual(expected);
    expect(new Set(found.map(({ rms }) => rms)).size).toBeGreaterThan(10);
    const last = bench.read(ADC_STATS, 0x101);
    const { min, max, rms } = found.at(-1) as Statistics;
    expect([last.readInt16LE(0), last.readInt16LE(2), last.readUInt16LE(4)]).toEqual([
      min,
      max,
      rms,
    ]);
    expect(bench.read(ADC_STATS, 0x180)).toEqual(u32(16));
    expect(bench.read(ADC_STATS, 0x181)).toEqual(u32(0));
  });

  it('stops, streams, and puts back what cannot be', () => {
    bench.write(ADC_STATS, 0x80, u32(44100));
    expect(bench.read(ADC_STATS, 0x80)).toEqual(u32(8000));
    bench.write(ADC_STATS, 0x80, u32(16000));
    expect(bench.read(ADC_STATS, 0x80)).toEqual(u32(16000));
    bench.write(ADC_STATS, 0x81, u32(0));
    expect(bench.read(ADC_STATS, 0x81)).toEqual(u32(1));
    bench.write(ADC_STATS, 0x81, u32(100_000));
    expect(bench.read(ADC_STATS, 0x81)).toEqual(u32(65536));
    bench.write(ADC_STATS, 0x82, Buffer.of(3)); // no converter there
    bench.write(ADC_STATS, 0x01, Buffer.of(1));
    bench.wait(50 * MS);
    expect(bench.read(ADC_STATS, 0x01)).toEqual(Buffer.of(0));
    bench.write(ADC_STATS, 0x82, Buffer.of(26));
    bench.write(ADC_STATS, 0x81, u32(80));
    bench.write(ADC_STATS, 0x01, Buffer.of(1));
    bench.wait(200 * MS);
    expect(bench.firmware.call('bench_is_converting')).toBe(1);
    bench.write(ADC_STATS, 0x01, Buffer.of(0));
    bench.write(ADC_STATS, 0x03, Buffer.of(2));
    bench.wait(500 * MS);
    expect(bench.firmware.call('bench_is_converting')).toBe(0);
    const readings = bench.take().filter(({ kind, code }) => kind === 'register' && code === 0x101);
    expect(readings).toHaveLength(2);
  });

  it('waits while capture listens', async () => {
    bench = await ServicesBench.create({ microphone, model: DEFAULT_MODEL });
    const [capture, adcStats] = [2, 7];
    bench.wait(100 * MS);
    bench.write(adcStats, 0x01, Buffer.of(1));
    bench.wait(500 * MS);
    expect(windowsOf(bench.take().filter(({ service }) => service === adcStats))).toEqual([]);
    bench.write(capture, 0x01, Buffer.of(0));
    bench.wait(700 * MS);
    const found = windowsOf(bench.take().filter(({ service }) => service === adcStats));
    expect(found.length).toBeGreaterThan(3);
  });
});
