import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readBoard } from '../../compiler/board.ts';
import {
  batteryDays,
  computingJoules,
  daysText,
  energyReport,
  energyRows,
  joulesText,
  USUAL_DUTY,
  windowEnergy,
  type EnergyBoard,
} from '../../compiler/energy.ts';
import { projectRoot } from '../support/data.ts';

/** Round figures, so that everything can be checked by hand: 100, 10 and 1 mW. */
const board: EnergyBoard = {
  clockHz: 100_000_000,
  power: {
    supplyVolts: 2,
    activeMilliamps: 50,
    listeningMilliamps: 5,
    sleepMilliamps: 0.5,
    regulatorEfficiency: 0.5,
  },
  battery: { milliwattHours: 1000, usableFraction: 0.8, selfDischargePerMonth: 0 },
};
/** 0.1 s of features and 0.3 s of inference for a window of 1 s; bursts of 20 s. */
const load = {
  windowSeconds: 1,
  featureCycles: 10_000_000,
  inferenceCycles: 30_000_000,
  burstCycles: 2_000_000_000,
};

describe('energy by hand', () => {
  test('computing', () => {
    expect(computingJoules(board, 100_000_000)).toBeCloseTo(0.1, 12);
  });

  test('a window: 0.6 s of listening, 0.4 s of computing', () => {
    const window = windowEnergy(board, load);
    expect(window.capture).toBeCloseTo(0.006, 12);
    expect(window.features).toBeCloseTo(0.01, 12);
    expect(window.inference).toBeCloseTo(0.03, 12);
    expect(window.total).toBeCloseTo(0.046, 12);
    expect(window.seconds).toBeCloseTo(0.4, 12);
  });

  test('a window that takes longer to compute than to hear has no time to listen', () => {
    const window = windowEnergy(board, { ...load, inferenceCycles: 200_000_000 });
    expect(window.capture).toBe(0);
    expect(window.total).toBeCloseTo(0.21, 12);
  });

  test('levels of samples are computed too: a tenth of the time', () => {
    const window = windowEnergy(board, { ...load, listeningCycles: 10_000_000 });
    expect(window.capture).toBeCloseTo(0.5 * 0.01 + 0.1 * 0.1, 12);
  });

  test('a day: 2 h of listening with 900 windows, 2 bursts', () => {
    const { day, burst } = energyReport(board, load, {
      listeningHours: 2,
      windows: 900,
      bursts: 2,
    });
    // 900 windows of 0.4 s and 2 bursts of 20 s are 400 s, taken from the 7,200 s.
    expect(burst).toEqual({ joules: 2, seconds: 20 });
    expect(day.windows).toBeCloseTo(36, 9);
    expect(day.bursts).toBeCloseTo(4, 9);
    expect(day.listening).toBeCloseTo(68, 9);
    expect(day.sleep).toBeCloseTo(22 * 3.6, 9);
    expect(day.total).toBeCloseTo(36 + 4 + 68 + 79.2, 9);
    expect(day.meanMilliwatts).toBeCloseTo(187200 / 86400, 9);
  });

  test('a day without listening: bursts take their time from sleep', () => {
    const { day } = energyReport(board, load, { listeningHours: 0, windows: 0, bursts: 10 });
    expect(day.listening).toBe(0);
    expect(day.sleep).toBeCloseTo((86400 - 200) / 1000, 9);
    expect(day.bursts).toBeCloseTo(20, 9);
  });

  test('battery: 800 of 1,000 mWh, half lost in the regulator', () => {
    // 2,880 J, of which a day takes 288 J before the regulator.
    expect(batteryDays(board.power, board.battery!, 144)).toBeCloseTo(10, 9);
    // A tenth of 3,600 J a month is lost besides: 11.83 J a day.
    const leaky = { milliwattHours: 1000, usableFraction: 0.8, selfDischargePerMonth: 0.1 };
    expect(batteryDays(board.power, leaky, 144)).toBeCloseTo(2880 / (288 + 360 / 30.4375), 9);
  });

  test('without a battery, without learning', () => {
    const report = energyReport(
      { ...board, battery: undefined },
      { ...load, burstCycles: undefined },
    );
    expect(report.batteryDays).toBeUndefined();
    expect(report.burst).toBeUndefined();
    expect(report.day.bursts).toBe(0);
    expect(report.day.duty).toEqual(USUAL_DUTY);
    expect(energyRows(report).map(([what]) => what)).toEqual([
      'energy of a window',
      'a day',
      'energy of a day',
    ]);
  });
});

describe('boards', () => {
  test.each(['rp2040_pico', 'xiao_rp2040'])('%s says what it takes', (name) => {
    const { energy } = readBoard(join(projectRoot, 'boards', `${name}.board.json`));
    const { power, battery } = energy!;
    expect(power.activeMilliamps).toBeGreaterThan(power.listeningMilliamps);
    expect(power.listeningMilliamps).toBeGreaterThan(power.sleepMilliamps);
    expect(power.regulatorEfficiency).toBeLessThan(1);
    expect(battery!.usableFraction).toBeLessThan(1);
  });

  test('the Pico in figures: 79.2 mW busy, 29.7 mW listening, 4.29 mW asleep', () => {
    const { energy } = readBoard(join(projectRoot, 'boards', 'rp2040_pico.board.json'));
    expect(computingJoules(energy!, 125_000_000)).toBeCloseTo(0.0792, 9);
    const asleep = energyReport(energy!, load, { listeningHours: 0, windows: 0, bursts: 0 });
    expect(asleep.day.meanMilliwatts).toBeCloseTo(4.29, 9);
    // 3,330 of 3,700 mWh; 4.29 / 0.75 mW are 137.28 mWh a day, 6.08 mWh are lost besides.
    expect(asleep.batteryDays).toBeCloseTo(3330 / (137.28 + 185 / 30.4375), 6);
  });
});

test('texts', () => {
  expect([0.0123, 0.5, 3.456, 120.4, 2566].map(joulesText)).toEqual([
    '12.3 mJ',
    '500 mJ',
    '3.46 J',
    '120 J',
    '2.57 kJ',
  ]);
  expect([0.5, 3.25, 23.4].map(daysText)).toEqual(['12 hours', '3.3 days', '23 days']);
  const rows = energyRows(
    energyReport(board, load, { listeningHours: 2, windows: 900, bursts: 1 }),
  );
  expect(rows).toEqual([
    ['energy of a window', '46.0 mJ: capture 6.0, features 10.0, inference 30.0'],
    ['energy of a burst', '2.00 J in 20.0 s'],
    ['a day', '2 hours listening, 900 windows, 1 burst'],
    ['energy of a day', '185 J, 2.1 mW on average'],
    ['battery life', '7.8 days'],
  ]);
});
