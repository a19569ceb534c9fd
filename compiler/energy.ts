/**
 * Energy and battery life: cycles and a board's currents give joules per window, per burst and per
 * day, and days on a battery. Pure arithmetic on figures that others count or cite (docs/power.md).
 *
 * All energies are those of the chip's supply (`supplyVolts`), where the currents are given. What
 * the regulator loses, and what the battery loses by itself, count for battery life only.
 */

/** Currents at `supplyVolts`, of the whole board without what is plugged into it. */
export interface PowerFigures {
  supplyVolts: number;
  /** One core computing. */
  activeMilliamps: number;
  /** Core asleep, converter and DMA running. */
  listeningMilliamps: number;
  /** Core asleep, nothing running but the timer. */
  sleepMilliamps: number;
  /** Watts behind the regulator for each one before it; default 1. */
  regulatorEfficiency?: number;
}

export interface BatteryFigures {
  milliwattHours: number;
  /** Share that can be used: the rest is left when the voltage is too low; default 1. */
  usableFraction?: number;
  /** Share of the capacity that is lost in a month without any load; default 0. */
  selfDischargePerMonth?: number;
}

/** What a board has to tell for all that follows. */
export interface EnergyBoard {
  clockHz: number;
  power: PowerFigures;
  battery?: BatteryFigures;
}

/** What a day is like. */
export interface Duty {
  /** Hours with the microphone on; asleep for the rest. */
  listeningHours: number;
  /** Windows that features and network run on. */
  windows: number;
  /** Bursts of training; need not be whole. */
  bursts: number;
}

/** Cycles of the things that a day consists of. */
export interface Workload {
  /** Length of a window's sound. */
  windowSeconds: number;
  /** Of one window. */
  featureCycles: number;
  inferenceCycles: number;
  /** For one second of listening: samples are moved, levels measured. */
  listeningCycles?: number;
  /** Of a whole burst with its views and checks. Without: nothing is learned. */
  burstCycles?: number;
}

export interface WindowEnergy {
  /** Joules. `capture` is listening for the window's time, less the time spent computing. */
  capture: number;
  features: number;
  inference: number;
  total: number;
  /** Of computing. */
  seconds: number;
}

export interface EnergyReport {
  window: WindowEnergy;
  /** Joules and seconds of a burst. */
  burst?: { joules: number; seconds: number };
  day: {
    duty: Duty;
    /** Joules of a day by what they are spent on; `windows` and `bursts` are computing alone. */
    listening: number;
    windows: number;
    bursts: number;
    sleep: number;
    total: number;
    meanMilliwatts: number;
  };
  /** On a full battery of the board; without a battery: not there. */
  batteryDays?: number;
}

/** The usual day where a manifest names none: always listening, a word every minute and a half. */
export const USUAL_DUTY: Duty = { listeningHours: 24, windows: 960, bursts: 1 };

const SECONDS_A_DAY = 86400;
const DAYS_A_MONTH = 365.25 / 12;
const JOULES_A_MILLIWATT_HOUR = 3.6;

type State = 'active' | 'listening' | 'sleep';

/** Watts behind the regulator. */
export function wattsOf(power: PowerFigures, state: State): number {
  return (power[`${state}Milliamps`] / 1000) * power.supplyVolts;
}

/** Joules of computing for so many cycles. */
export function computingJoules({ clockHz, power }: EnergyBoard, cycles: number): number {
  return (cycles / clockHz) * wattsOf(power, 'active');
}

/** Energy of one window: heard, turned into features, classified. */
export function windowEnergy(board: EnergyBoard, load: Workload): WindowEnergy {
  const { windowSeconds, featureCycles, inferenceCycles, listeningCycles = 0 } = load;
  const listening = windowSeconds * listeningCycles;
  const seconds = (listening + featureCycles + inferenceCycles) / board.clockHz;
  const idle = Math.max(0, windowSeconds - seconds);
  const capture = idle * wattsOf(board.power, 'listening') + computingJoules(board, listening);
  const features = computingJoules(board, featureCycles);
  const inference = computingJoules(board, inferenceCycles);
  return { capture, features, inference, total: capture + features + inference, seconds };
}

/** Computing takes its time from listening first; what is left of the day is sleep. */
function dayEnergy(board: EnergyBoard, load: Workload, duty: Duty): EnergyReport['day'] {
  const { clockHz, power } = board;
  const listened = Math.min(SECONDS_A_DAY, duty.listeningHours * 3600);
  const perWindow = load.featureCycles + load.inferenceCycles;
  const cycles = {
    listening: listened * (load.listeningCycles ?? 0),
    windows: duty.windows * perWindow,
    bursts: duty.bursts * (load.burstCycles ?? 0),
  };
  const busy = (cycles.listening + cycles.windows + cycles.bursts) / clockHz;
  const idle = Math.max(0, listened - busy);
  const asleep = Math.max(0, SECONDS_A_DAY - Math.max(listened, busy));
  const parts = {
    listening: idle * wattsOf(power, 'listening') + computingJoules(board, cycles.listening),
    windows: computingJoules(board, cycles.windows),
    bursts: computingJoules(board, cycles.bursts),
    sleep: asleep * wattsOf(power, 'sleep'),
  };
  const total = parts.listening + parts.windows + parts.bursts + parts.sleep;
  return { duty, ...parts, total, meanMilliwatts: (1000 * total) / SECONDS_A_DAY };
}

/** Days that a full battery lasts when a day takes so many joules behind the regulator. */
export function batteryDays(
  power: PowerFigures,
  battery: BatteryFigures,
  joulesPerDay: number,
): number {
  const { milliwattHours, usableFraction = 1, selfDischargePerMonth = 0 } = battery;
  const capacity = milliwattHours * JOULES_A_MILLIWATT_HOUR;
  const lost = (capacity * selfDischargePerMonth) / DAYS_A_MONTH;
  const taken = joulesPerDay / (power.regulatorEfficiency ?? 1);
  return (capacity * usableFraction) / (taken + lost);
}

export function energyReport(
  board: EnergyBoard,
  load: Workload,
  duty: Duty = USUAL_DUTY,
): EnergyReport {
  const day = dayEnergy(board, load, duty);
  const report: EnergyReport = { window: windowEnergy(board, load), day };
  if (load.burstCycles !== undefined) {
    const { burstCycles } = load;
    report.burst = {
      joules: computingJoules(board, burstCycles),
      seconds: burstCycles / board.clockHz,
    };
  }
  if (board.battery !== undefined) {
    report.batteryDays = batteryDays(board.power, board.battery, day.total);
  }
  return report;
}

/** Joules with a unit that leaves two to four digits. */
export function joulesText(joules: number): string {
  if (joules >= 1000) return `${(joules / 1000).toFixed(2)} kJ`;
  if (joules >= 1) return `${joules.toFixed(joules >= 100 ? 0 : 2)} J`;
  return `${(1000 * joules).toFixed(joules >= 0.1 ? 0 : 1)} mJ`;
}

export function daysText(days: number): string {
  if (days >= 10) return `${Math.round(days)} days`;
  return days >= 2 ? `${days.toFixed(1)} days` : `${(24 * days).toFixed(0)} hours`;
}

/** "24 hours listening, 960 windows, 1 burst". */
export function dutyText({ listeningHours, windows, bursts }: Duty): string {
  const count = (value: number, what: string): string =>
    `${value} ${what}${value === 1 ? '' : 's'}`;
  const parts = [count(listeningHours, 'hour'), count(windows, 'window'), count(bursts, 'burst')];
  return `${parts[0]} listening, ${parts[1]}, ${parts[2]}`;
}

/** Rows for a table: what, how much. */
export function energyRows(report: EnergyReport): [string, string][] {
  const { window, burst, day } = report;
  const millijoules = (joules: number): string => (1000 * joules).toFixed(1);
  const { capture, features, inference } = window;
  const parts = `capture ${millijoules(capture)}, features ${millijoules(features)}`;
  const rows: [string, string][] = [
    [
      'energy of a window',
      `${millijoules(window.total)} mJ: ${parts}, inference ${millijoules(inference)}`,
    ],
  ];
  if (burst !== undefined) {
    rows.push([
      'energy of a burst',
      `${joulesText(burst.joules)} in ${burst.seconds.toFixed(1)} s`,
    ]);
  }
  rows.push(['a day', dutyText(day.duty)]);
  const mean = `${day.meanMilliwatts.toFixed(1)} mW on average`;
  rows.push(['energy of a day', `${joulesText(day.total)}, ${mean}`]);
  if (report.batteryDays !== undefined) rows.push(['battery life', daysText(report.batteryDays)]);
  return rows;
}
