import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { FALLS, PageHinkley } from '../../src/lib/drift.ts';
import { projectRoot } from '../support/data.ts';
import { Random } from '../support/random.ts';
import { packed, runOnVm } from './vm.ts';

/*
 * What src/lib/drift.ts does on the official VM, against the published formulae written down here a
 * second time, in the plainest form: whole histories instead of recursions.
 */

const WARM_UP = 40;
const CLIP = 3;
/** Streams are exact in thousandths, so that both sides compute on the same numbers. */
const UNIT = 1000;

/** A confidence-like signal that falls after `change` windows. */
function fallingStream(seed: number, windows: number, change: number, fall: number): number[] {
  const random = new Random(seed);
  return Array.from({ length: windows }, (_, i) =>
    Math.round(UNIT * (12 + 2.5 * random.bell() - (i < change ? 0 : fall))),
  );
}

const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const variance = (values: number[]): number =>
  mean(values.map((value) => (value - mean(values)) ** 2));

/** The signal in deviations of its warm-up, cut at ±CLIP, positive in the direction of drift. */
function standardised(stream: number[], direction: 1 | -1): number[] {
  const values = stream.map((value) => value / UNIT);
  const warm = values.slice(0, WARM_UP);
  const deviation = Math.sqrt((variance(warm) * WARM_UP) / (WARM_UP - 1));
  return values.map((value) => {
    const off = (direction * (value - mean(warm))) / deviation;
    return Math.min(CLIP, Math.max(-CLIP, off));
  });
}

/** Gama et al. 2014, 3.2.1: m_T - min m_t, with the mean over all standardised windows. */
function pageHinkleyStatistic(z: number[], delta: number): number[] {
  const history = z.map((value, i) => (i < WARM_UP ? 0 : value));
  const m: number[] = [0];
  return history.map((_, i) => {
    if (i < WARM_UP) return 0;
    const soFar = history.slice(0, i + 1);
    m.push((m.at(-1) as number) + (history[i] as number) - mean(soFar) - delta);
    return (m.at(-1) as number) - Math.min(...m);
  });
}

/** Gama et al. 2004: level of p + s over p_min + k s_min, as k; 0 before 30 windows. */
function ddmLevels(errors: boolean[]): number[] {
  let low = Infinity;
  let best = { p: 0, s: 0 };
  return errors.map((_, i) => {
    const n = i + 1;
    const p = errors.slice(0, n).filter((error) => error).length / n;
    const s = Math.sqrt((p * (1 - p)) / n);
    if (n < 30 || p === 0) return 0;
    if (p + s < low) {
      low = p + s;
      best = { p, s };
    }
    return (p + s - best.p) / best.s;
  });
}

/** Bifet and Gavalda 2007 on explicit lists of values; buckets only say where cuts are allowed. */
function adwinRun(values: number[], delta: number, rows: number): { n: number; sign: number }[] {
  let buckets: number[][] = []; // newest first
  return values.map((value) => {
    buckets.unshift([value]);
    for (let size = 1; buckets.filter((bucket) => bucket.length === size).length > 5; size *= 2) {
      const oldest = buckets.findLastIndex((bucket) => bucket.length === size);
      if (size === 2 ** (rows - 1)) buckets = buckets.slice(0, -1);
      else {
        const [newer, older] = buckets.slice(oldest - 1, oldest + 1) as [number[], number[]];
        buckets.splice(oldest - 1, 2, [...older, ...newer]);
      }
    }
    let sign = 0;
    for (let cut = adwinCut(buckets, delta); cut !== 0; cut = adwinCut(buckets, delta)) {
      if (cut < 0) sign = -1;
      buckets = buckets.slice(0, -1);
    }
    return { n: buckets.flat().length, sign };
  });
}

function adwinCut(buckets: number[][], delta: number): number {
  const all = buckets.flat();
  const confidence = Math.log((2 * Math.log(all.length)) / delta);
  for (let k = buckets.length - 1; k > 0; k--) {
    const older = buckets.slice(k).flat();
    const newer = buckets.slice(0, k).flat();
    if (older.length < 5 || newer.length < 5) continue;
    const m = 1 / (1 / older.length + 1 / newer.length);
    const allowed = Math.sqrt((2 / m) * variance(all) * confidence) + (2 / (3 * m)) * confidence;
    const off = mean(newer) - mean(older);
    if (Math.abs(off) > allowed) return Math.sign(off);
  }
  return 0;
}

/** A detector on a stream; `other` is one more number to print. */
interface Run {
  name: string;
  stream: number[];
  /** Units of the stream that are 1. */
  unit: number;
  create: string;
  other: string;
}

interface Row {
  alarm: boolean;
  progress: number;
  other: number;
}

/** One program for all runs: what is printed is the run's name, alarm, progress and the other number. */
function program(runs: Run[]): string {
  const functions = runs.map(
    ({ name, stream, unit, create, other }) => `
async function ${name}() {
  const stream = ${packed(stream)};
  const detector = ${create};
  for (let i = 0; i < ${stream.length}; i++) {
    const alarm = detector.push(stream.getAt(4 * i, 'i32') / ${unit});
    console.log('${name}', alarm, detector.progress(), ${other});
    if (i % 8 === 0) await ds.sleep(1);
  }
}
await ${name}();`,
  );
  return `import { PageHinkley, Ddm, Adwin, FALLS, RISES } from 'lib/drift';${functions.join('\n')}`;
}

async function runAll(runs: Run[]): Promise<Record<string, Row[]>> {
  const rows: Record<string, Row[]> = {};
  for (const line of await runOnVm('drift', program(runs))) {
    const [name, alarm, progress, other] = line.split(' ') as [string, string, string, string];
    rows[name] ??= [];
    rows[name].push({ alarm: alarm === 'true', progress: Number(progress), other: Number(other) });
  }
  return rows;
}

const changed = fallingStream(1, 260, 170, 6);
const calm = fallingStream(2, 260, 260, 0);
const rising = changed.map((value) => -value);
const ROWS = 5;

interface Recording {
  known: string;
  stranger: string;
  knownWindows: number;
  /** In 1/256 nat. */
  margins: number[];
}

const recorded = JSON.parse(
  readFileSync(join(projectRoot, 'test/golden/drift/stream.json'), 'utf8'),
) as Recording;

const shared = `warmUp: ${WARM_UP}, clip: ${CLIP}`;
const pageHinkley = `new PageHinkley({ direction: FALLS, ${shared}, delta: 0.4, lambda: 12 })`;
const since = 'detector.windowsSinceChange()';
const RUNS: Run[] = [
  { name: 'changed', stream: changed, unit: UNIT, create: pageHinkley, other: since },
  { name: 'calm', stream: calm, unit: UNIT, create: pageHinkley, other: since },
  {
    name: 'rising',
    stream: rising,
    unit: UNIT,
    create: pageHinkley.replace('FALLS', 'RISES'),
    other: since,
  },
  {
    name: 'ddm',
    stream: changed,
    unit: UNIT,
    create: `new Ddm({ direction: FALLS, ${shared} })`,
    other: 'detector.warning() ? 1 : 0',
  },
  {
    name: 'adwin',
    stream: changed,
    unit: UNIT,
    create: `new Adwin({ direction: FALLS, ${shared}, rows: ${ROWS}, delta: 0.05 })`,
    other: 'detector.length()',
  },
  {
    name: 'recorded',
    stream: recorded.margins,
    unit: 256,
    create: 'new PageHinkley({ direction: FALLS })',
    other: since,
  },
];

describe('drift detection on the official VM', () => {
  let rows: Record<string, Row[]> = {};

  beforeAll(async () => {
    rows = await runAll(RUNS);
  });

  it.each(['changed', 'calm'])('Page-Hinkley follows the published sums (%s)', (name) => {
    const stream = name === 'changed' ? changed : calm;
    const expected = pageHinkleyStatistic(standardised(stream, -1), 0.4);
    const got = rows[name] as Row[];
    expect(got).toHaveLength(stream.length);
    got.forEach((row, i) => {
      expect(row.progress).toBeCloseTo((expected[i] as number) / 12, 4);
      expect(row.alarm, `window ${i}`).toBe((expected[i] as number) > 12);
    });
    expect(got.some((row) => row.alarm)).toBe(name === 'changed');
  });

  it('Page-Hinkley dates the change it found', () => {
    const got = rows['changed'] as Row[];
    const alarm = got.findIndex((row) => row.alarm);
    expect(alarm).toBeGreaterThanOrEqual(170);
    expect(Math.abs(alarm + 1 - (got[alarm] as Row).other - 170)).toBeLessThanOrEqual(5);
  });

  it('finds a rise exactly where it finds the same fall', () => {
    const alarms = (name: string) => (rows[name] as Row[]).map((row) => row.alarm);
    expect(alarms('rising')).toEqual(alarms('changed'));
  });

  it('DDM follows the published levels', () => {
    const errors = standardised(changed, -1)
      .slice(WARM_UP)
      .map((z) => z > 1);
    const levels = ddmLevels(errors);
    const got = (rows['ddm'] as Row[]).slice(WARM_UP);
    got.forEach((row, i) => {
      expect(row.alarm, `alarm in window ${i}`).toBe((levels[i] as number) >= 3);
      expect(row.other === 1, `warning in window ${i}`).toBe((levels[i] as number) >= 2);
    });
    expect(got.findIndex((row) => row.alarm)).toBeGreaterThan(170 - WARM_UP);
  });

  it('ADWIN keeps the same window as the paper’s algorithm on whole lists', () => {
    const values = standardised(changed, -1)
      .slice(WARM_UP)
      .map((z) => 0.5 - z / (2 * CLIP));
    const expected = adwinRun(values, 0.05, ROWS);
    const got = (rows['adwin'] as Row[]).slice(WARM_UP);
    got.forEach((row, i) => {
      expect(row.other, `length in window ${i}`).toBe(expected[i]?.n);
      expect(row.alarm, `alarm in window ${i}`).toBe(expected[i]?.sign === -1);
    });
    expect(got.some((row) => row.alarm)).toBe(true);
    expect(Math.max(...got.map((row) => row.other))).toBeLessThanOrEqual(5 * (2 ** ROWS - 1));
  });

  it('gives the alarms that it gives in Node, where the figures are measured', () => {
    const detector = new PageHinkley({ direction: FALLS });
    const got = rows['recorded'] as Row[];
    expect(got).toHaveLength(recorded.margins.length);
    recorded.margins.forEach((margin, i) => {
      const alarm = detector.push(margin / 256);
      const row = got[i] as Row;
      expect(row.progress).toBeCloseTo(detector.progress(), 5);
      expect([row.alarm, row.other]).toEqual([alarm, detector.windowsSinceChange()]);
    });
    const alarm = got.findIndex((row) => row.alarm);
    expect(alarm).toBeGreaterThanOrEqual(recorded.knownWindows);
    expect(alarm).toBeLessThan(recorded.margins.length);
  });
});

describe('details of drift detection on the official VM', () => {
  it('resets, restores a scale, survives a constant signal and knows errors from a button', async () => {
    const lines = await runOnVm(
      'drift-details',
      `
import { PageHinkley, Ddm, Scale, FALLS } from 'lib/drift';
const scale = new Scale({ warmUp: 4, resolution: 0.5 });
for (const x of [7, 7, 7, 7]) scale.learn(x);
console.log(scale.ready(), scale.average(), scale.deviation(), scale.standardise(6), scale.standardise(-90));
scale.restore(10, 2);
console.log(scale.average(), scale.deviation(), scale.standardise(7), scale.ready());
scale.reset();
console.log(scale.ready(), scale.average());
const detector = new PageHinkley({ direction: FALLS, warmUp: 4, resolution: 0.5, lambda: 5 });
let alarm = -1;
for (let i = 0; i < 40 && alarm < 0; i++) if (detector.push(i < 20 ? 7 : 5)) alarm = i;
console.log(alarm);
detector.reset();
console.log(detector.progress(), detector.push(5), detector.scale.ready());
const button = new Ddm({ direction: FALLS });
let first = -1;
for (let i = 0; i < 200 && first < 0; i++) if (button.pushError(i < 120 ? i % 10 === 0 : i % 2 === 0)) first = i;
console.log(first);
const silent = new Ddm({ direction: FALLS });
let any = false;
for (let i = 0; i < 100; i++) any = silent.pushError(i === 90) || any;
console.log(any);`,
    );
    const errors = Array.from({ length: 200 }, (_, i) => (i < 120 ? i % 10 === 0 : i % 2 === 0));
    // The sum grows by 3 - 0.4 a window less the mean, which has 20 windows of calm behind it.
    let sum = 0;
    let total = 0;
    let alarm = 20;
    for (; ; alarm++) {
      total += 3;
      sum += 3 - total / (alarm + 1) - 0.4;
      if (sum > 5) break;
    }
    expect(lines).toEqual([
      'true 7 0.5 -2 -3',
      '10 2 -1.5 true',
      'false 0',
      String(alarm),
      '0 false false',
      String(ddmLevels(errors).findIndex((level) => level >= 3)),
      'false',
    ]);
  });
});
