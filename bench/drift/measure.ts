import { Adwin, Ddm, type DriftDetector, FALLS, PageHinkley, RISES } from '../../src/lib/drift.ts';
import type { Random } from '../../test/support/random.ts';
import {
  KNOWN_WINDOWS,
  type ChangeStream,
  type Listening,
  type Prediction,
  clipsOf,
  drawStream,
  knownSpeakers,
} from './streams.ts';

export interface Setting {
  detector: string;
  signal: keyof Prediction;
  parameters: string;
  create: () => DriftDetector;
}

const same = 'as the first';

/** The first one is what src/keyword.ts uses. */
export const SETTINGS: readonly Setting[] = [
  {
    detector: 'Page-Hinkley',
    signal: 'margin',
    parameters: 'warm-up 50, clip 3, delta 0.4, lambda 16 (defaults)',
    create: () => new PageHinkley({ direction: FALLS }),
  },
  {
    detector: 'Page-Hinkley',
    signal: 'margin',
    parameters: 'as the first, lambda 10',
    create: () => new PageHinkley({ direction: FALLS, lambda: 10 }),
  },
  {
    detector: 'Page-Hinkley',
    signal: 'confidence',
    parameters: same,
    create: () => new PageHinkley({ direction: FALLS }),
  },
  {
    detector: 'Page-Hinkley',
    signal: 'entropy',
    parameters: same,
    create: () => new PageHinkley({ direction: RISES }),
  },
  {
    detector: 'DDM',
    signal: 'margin',
    parameters: 'warm-up 50, weak 1, warning 2, alarm 3 (defaults)',
    create: () => new Ddm({ direction: FALLS }),
  },
  {
    detector: 'DDM',
    signal: 'margin',
    parameters: 'warm-up 50, weak 1, alarm 6',
    create: () => new Ddm({ direction: FALLS, alarm: 6 }),
  },
  {
    detector: 'ADWIN',
    signal: 'margin',
    parameters: 'warm-up 50, delta 0.002, rows 8 (defaults)',
    create: () => new Adwin({ direction: FALLS }),
  },
];

export interface Delays {
  /** Windows from the first of the new speaker to the alarm, both counted; Infinity when missed. */
  delays: number[];
  /** Streams that alarmed while the known speaker still spoke; their delay is not counted. */
  early: number;
}

export function measureDelays(setting: Setting, streams: readonly ChangeStream[]): Delays {
  const alarms = streams.map(({ windows }) => firstAlarm(setting, windows));
  return {
    delays: alarms.filter((at) => at >= KNOWN_WINDOWS).map((at) => at - KNOWN_WINDOWS + 1),
    early: alarms.filter((at) => at < KNOWN_WINDOWS).length,
  };
}

function firstAlarm(setting: Setting, windows: readonly Prediction[]): number {
  const detector = setting.create();
  const at = windows.findIndex((window) => detector.push(window[setting.signal]));
  return at < 0 ? Infinity : at;
}

export interface FalseAlarms {
  alarms: number;
  /** Windows in which an alarm was possible: those after a warm-up. */
  windows: number;
  streams: number;
}

/**
 * Runs a detector on streams in which nothing changes: of every model, each speaker that it knows,
 * or the one that it never heard, `streams` times `windows` windows. After an alarm the detector
 * starts again with a warm-up, as on the device.
 */
export function measureFalseAlarms(
  setting: Setting,
  listenings: readonly Listening[],
  plan: { streams: number; windows: number; speakers: 'known' | 'stranger' },
  random: Random,
): FalseAlarms {
  const result: FalseAlarms = { alarms: 0, windows: 0, streams: 0 };
  for (const listening of listenings) {
    const speakers = plan.speakers === 'known' ? knownSpeakers(listening) : [listening.stranger];
    for (const speaker of speakers) {
      for (let i = 0; i < plan.streams; i++) {
        const stream = drawStream(clipsOf(listening, speaker), plan.windows, random);
        countAlarms(setting, stream, result);
      }
    }
  }
  return result;
}

const WARM_UP = 50;

function countAlarms(setting: Setting, stream: readonly Prediction[], result: FalseAlarms): void {
  const detector = setting.create();
  let sinceReset = 0;
  result.streams++;
  for (const window of stream) {
    sinceReset++;
    const alarm = detector.push(window[setting.signal]);
    if (sinceReset > WARM_UP) result.windows++;
    if (!alarm) continue;
    result.alarms++;
    detector.reset();
    sinceReset = 0;
  }
}

/** Middle of the sorted values; the mean of the two middle ones when their number is even. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const low = sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN;
  const high = sorted[Math.floor(sorted.length / 2)] ?? NaN;
  return low === high ? low : (low + high) / 2;
}
