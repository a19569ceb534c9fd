/**
 * Power: what the measured cycles of models/digits come to at the currents of a board's file:
 * energy of a window, of a burst, of a day, and how long a battery lasts (compiler/energy.ts).
 */
import { dutyText, energyReport, USUAL_DUTY, type Workload } from '../compiler/energy.ts';
import { energyBoard, loadBoard } from '../sim/processor.ts';
import type { BenchRow } from './rows.ts';

/** Labelled windows of a burst: takes of ten words, four each. */
const WINDOWS = 40;
const WINDOW_SECONDS = 1;

/** From the rows of the same run; none where these do not have what is needed. */
export function benchPower(rows: BenchRow[]): BenchRow[] {
  const cyclesOf = (name: string): number | null | undefined =>
    rows.find((row) => row.name === name)?.cycles;
  const features = cyclesOf('features-second');
  const inference = cyclesOf('digits');
  const steps = cyclesOf('burst-300-skip-cached');
  const perWindow = rows.find((r) => r.name === 'train-digits-skip-cached')?.cacheCyclesPerWindow;
  if (!features || !inference || !steps || !perWindow) return [];
  const burstCycles = steps + WINDOWS * perWindow;
  const load: Workload = {
    windowSeconds: WINDOW_SECONDS,
    featureCycles: features,
    inferenceCycles: inference,
    burstCycles,
  };
  const board = loadBoard();
  const report = energyReport(energyBoard(board), load, USUAL_DUTY);
  const row = (name: string, what: string, cycles: number | null, joules: number): BenchRow => ({
    name,
    kind: 'power',
    target: 'rp2040',
    what,
    cycles,
    macs: null,
    perMac: null,
    bytes: null,
    millijoules: Math.round(10_000 * joules) / 10,
    checksum: null,
    isCorrect: true,
    reference: null,
    ok: true,
  });
  const { capture } = report.window;
  const day = row(
    'power-day',
    `a day: ${dutyText(USUAL_DUTY)}, asleep otherwise`,
    null,
    report.day.total,
  );
  return [
    row(
      'power-window',
      `a window of ${WINDOW_SECONDS} s: listening (${(1000 * capture).toFixed(1)} mJ), features, inference`,
      features + inference,
      report.window.total,
    ),
    row(
      'power-burst',
      `a burst: ${WINDOWS} windows through the frozen layers, 300 steps, skip`,
      burstCycles,
      report.burst?.joules ?? 0,
    ),
    {
      ...day,
      batteryDays:
        report.batteryDays === undefined ? undefined : Math.round(10 * report.batteryDays) / 10,
    },
  ];
}
