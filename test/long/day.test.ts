/** A day with all that can go wrong; `npm run test:week` lives through more of them. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Firmware } from '../../sim/firmware.ts';
import { Invariants } from './invariants.ts';
import { emptySummary, type LogEntry, type Summary } from './summary.ts';
import { liveThrough } from './week.ts';

describe('a day with faults', () => {
  let summary: Summary;
  const log: LogEntry[] = [];
  const times = (event: string): number => log.filter((entry) => entry.event === event).length;

  beforeAll(async () => {
    summary = await liveThrough({ days: 1, seed: 1, onLog: (entry) => log.push(entry) });
  }, 900_000);

  it('breaks no promise', () => {
    expect(summary.broken).toEqual([]);
    expect(summary.complaints).toBe(0);
  });

  it('loses power in a burst and at other times, and is there again', () => {
    const { anywhere, inBurst, inFlash, inTransfer } = summary.cuts;
    expect(inBurst).toBeGreaterThan(0);
    expect(anywhere + inBurst + inFlash).toBeGreaterThan(1);
    expect(times('boot')).toBe(1 + anywhere + inBurst + inFlash + inTransfer);
    expect(summary.saves).toBeGreaterThan(0);
    expect(summary.loads).toBeGreaterThan(0);
  });

  it('learns the owner, and nothing from a microphone that is stuck, open or oscillates', () => {
    expect(log.filter(({ event }) => event === 'fault').map(({ kind }) => kind)).toEqual([
      'stuck',
      'garbage',
      'square',
    ]);
    expect(summary.rememberedFaulty).toBe(0);
    expect(summary.accuracy.base).toBeLessThan(0.75);
    expect(summary.accuracy.least).toBeGreaterThanOrEqual(summary.accuracy.base);
    expect(summary.accuracy.last).toBeGreaterThan(0.9);
    const { windows, right } = summary.adapted;
    expect(windows).toBeGreaterThan(200);
    expect(right / windows).toBeGreaterThan(0.9);
  });

  it('says what happened', () => {
    expect(times('talk')).toBeGreaterThan(8);
    expect(times('drift')).toBe(summary.drifts);
    expect(times('saved')).toBe(summary.saves);
    expect(log.some(({ text }) => text === 'microphone stuck')).toBe(true);
    expect(log.some(({ text }) => text === 'microphone works')).toBe(true);
    expect(log.every(({ t }, n) => n === 0 || t >= (log[n - 1] as LogEntry).t)).toBe(true);
  });
});

describe('the promises', () => {
  const good = Uint8Array.of(1);
  const better = Uint8Array.of(2);
  const harmful = Uint8Array.of(3);
  const judge = {
    base: 0.6,
    count: 10,
    accuracy: (blob: Uint8Array) => (blob[0] === 3 ? 0.5 : 0.9),
  };
  let broken: string[];
  let invariants: Invariants;

  beforeAll(() => {
    broken = [];
  });

  const start = (): Invariants => {
    broken = [];
    invariants = new Invariants(judge, emptySummary(), (what) => broken.push(what));
    invariants.onBoot();
    return invariants;
  };

  it('are broken by an adapter that is lost, old, damaged or harmful', () => {
    start().onSaved(good);
    invariants.onBoot();
    invariants.onBaseModel(better);
    expect(broken).toEqual(['a saved adapter is lost']);

    start().onSaved(good);
    invariants.onSaved(better);
    invariants.onPowerLost(undefined);
    invariants.onBoot();
    invariants.onLoaded(good);
    expect(broken).toEqual(['after a boot the adapter is not the one saved last']);

    start().onSaved(good);
    invariants.onDamage([better]);
    invariants.onBoot();
    invariants.onLoaded(good);
    expect(broken).toEqual(['after a boot the adapter is not the one saved last']);

    start().onSaved(harmful);
    expect(broken).toEqual(['accuracy 50.0 % is below 60.0 % of the base model']);
  });

  it('are kept when a cut in a save leaves the old or the new one, or damage the one before', () => {
    start().onSaved(good);
    invariants.onPowerLost(better);
    invariants.onBoot();
    invariants.onLoaded(better);
    invariants.onPowerLost(good);
    invariants.onBoot();
    invariants.onLoaded(better);
    invariants.onSaved(good);
    invariants.onDamage([better]);
    invariants.onBoot();
    invariants.onLoaded(better);
    invariants.onDamage([]);
    invariants.onBoot();
    invariants.onBaseModel(better);
    expect(broken).toEqual([]);
  });

  it('are broken by a heap that grows', () => {
    const firmware = new Firmware();
    let used = 5000;
    const call = firmware.call.bind(firmware);
    firmware.call = (name, ...args) => {
      if (name === 'rt_heap_collect') return 0;
      if (name === 'rt_heap_stats') firmware.u32(args[0] as number, 6).set([0, used]);
      else return call(name, ...args);
      return 0;
    };
    start().everyHour(firmware, good);
    used = 5900;
    invariants.everyHour(firmware, good);
    expect(broken).toEqual([]);
    used = 6100;
    invariants.everyHour(firmware, good);
    expect(broken).toEqual(['the script holds 6100 bytes, 5000 an hour after boot']);
  });
});
