/**
 * Drift detection in constant memory: has the stream of windows stopped looking like the one
 * that the model was working well on?
 *
 * Every detector takes one number a window and returns true in the window of an alarm. None uses a
 * service, so the same source runs on the device, in the tests and in bench/drift. Which number:
 *
 *   logit margin   ln(p1 / p2), falls at drift; the best single signal, never saturates
 *   confidence     p1, 0..1, falls at drift; close to 1 on a well-known speaker, hence coarse
 *   entropy        bits, 0..log2(classes), rises at drift
 *   loss           nats, rises at drift; needs labels
 *   novelty        distance of pooled activations from their usual values, rises at drift
 *
 * Thresholds are in deviations of the signal itself, learned from a warm-up, so that one setting
 * serves signals of any unit and speakers of any loudness.
 */

/** The side on which drift shows: the signal rises (1) or falls (-1). */
export type Direction = 1 | -1;

export const RISES: Direction = 1;
export const FALLS: Direction = -1;

export interface DriftDetector {
  /** Takes the signal of one window; true when drift is found in this window. */
  push(signal: number): boolean;
  /** Forgets everything, scale included: the next windows are the new normal. */
  reset(): void;
  /** Test statistic over its threshold: 0 is calm, above 1 is an alarm. */
  progress(): number;
}

export interface ScaleOptions {
  /** Windows that the scale is learned from, 2 or more; default 50. */
  warmUp?: number;
  /** Deviations at which a window is cut off, above 0; default 3. One odd window then cannot alarm. */
  clip?: number;
  /** Smallest deviation, in units of the signal, for a signal that hardly moves; default 0.001. */
  resolution?: number;
}

/** Mean and deviation of a signal, learned from its first windows (Welford 1962), then fixed. */
export class Scale {
  private readonly warmUp: number;
  private readonly clip: number;
  private readonly resolution: number;
  private seen = 0;
  private mean = 0;
  private squares = 0;

  constructor(options: ScaleOptions) {
    this.warmUp = options.warmUp ?? 50;
    this.clip = options.clip ?? 3;
    this.resolution = options.resolution ?? 0.001;
  }

  ready(): boolean {
    return this.seen >= this.warmUp;
  }

  learn(signal: number): void {
    this.seen++;
    const step = signal - this.mean;
    this.mean += step / this.seen;
    this.squares += step * (signal - this.mean);
  }

  /** Mean of the warm-up, in units of the signal. */
  average(): number {
    return this.mean;
  }

  /** Sample standard deviation of the warm-up, in units of the signal; never below the resolution. */
  deviation(): number {
    const variance = this.seen > 1 ? this.squares / (this.seen - 1) : 0;
    return Math.max(Math.sqrt(variance), this.resolution);
  }

  /** How many deviations from the mean, within -clip..clip. */
  standardise(signal: number): number {
    const deviations = (signal - this.mean) / this.deviation();
    return Math.max(-this.clip, Math.min(this.clip, deviations));
  }

  /** Windows of the warm-up. */
  windows(): number {
    return this.warmUp;
  }

  /** Takes over a scale that was learned before a reboot; both in units of the signal. */
  restore(average: number, deviation: number): void {
    this.seen = this.warmUp;
    this.mean = average;
    this.squares = deviation * deviation * (this.warmUp - 1);
  }

  reset(): void {
    this.seen = 0;
    this.mean = 0;
    this.squares = 0;
  }
}

export interface PageHinkleyOptions extends ScaleOptions {
  direction: Direction;
  /** Change that is too small to matter, in deviations, 0 or more; default 0.4. */
  delta?: number;
  /** Alarm when the sum of changes beyond delta exceeds this, in deviations; default 16. */
  lambda?: number;
}

/**
 * Page-Hinkley test (Page 1954, Hinkley 1971; as in Gama et al., "A survey on concept drift
 * adaptation", 2014, 3.2.1), on the standardised signal:
 *
 *   m_t = sum of (z_i - mean of z_1..z_i - delta),  alarm when m_t - min(m_1..m_t) > lambda
 *
 * The difference is kept instead of its two terms, so that nothing grows over months.
 */
export class PageHinkley implements DriftDetector {
  readonly scale: Scale;
  private readonly direction: Direction;
  private readonly delta: number;
  private readonly lambda: number;
  private seen = 0;
  private mean = 0;
  private excess = 0;
  private sinceCalm = 0;

  constructor(options: PageHinkleyOptions) {
    this.scale = new Scale(options);
    this.direction = options.direction;
    this.delta = options.delta ?? 0.4;
    this.lambda = options.lambda ?? 16;
  }

  push(signal: number): boolean {
    if (!this.scale.ready()) {
      this.scale.learn(signal);
      this.seen++;
      return false;
    }
    const z = this.direction * this.scale.standardise(signal);
    this.seen++;
    this.mean += (z - this.mean) / this.seen;
    this.excess = Math.max(0, this.excess + z - this.mean - this.delta);
    this.sinceCalm = this.excess > 0 ? this.sinceCalm + 1 : 0;
    return this.excess > this.lambda;
  }

  progress(): number {
    return this.excess / this.lambda;
  }

  /** Goes on with a scale that was learned before a reboot; both in units of the signal. */
  restore(average: number, deviation: number): void {
    this.reset();
    this.scale.restore(average, deviation);
    // as after the warm-up: else the first windows would be taken for the new normal
    this.seen = this.scale.windows();
  }

  /** Windows since the statistic left zero: an estimate of how long ago the change began. */
  windowsSinceChange(): number {
    return this.sinceCalm;
  }

  reset(): void {
    this.scale.reset();
    this.seen = 0;
    this.mean = 0;
    this.excess = 0;
    this.sinceCalm = 0;
  }
}

export interface DdmOptions extends ScaleOptions {
  direction: Direction;
  /** A window counts as an error when it is this many deviations off, above 0; default 1. */
  weak?: number;
  /** Windows before the test may speak; default 30, as published. */
  minWindows?: number;
  /** Deviations of the error rate above its minimum that warn; default 2, as published. */
  warning?: number;
  /** Deviations of the error rate above its minimum that alarm; default 3, as published. */
  alarm?: number;
}

/**
 * Drift Detection Method (Gama, Medas, Castillo, Rodrigues, SBIA 2004) on a stream of errors with
 * rate p and s = sqrt(p (1 - p) / n): alarm when p + s >= p_min + alarm * s_min.
 *
 * Where errors are known (a button says "wrong"), call pushError. Without labels, push takes any
 * signal and counts weak windows as errors. Against fast changes after a long calm it is slower
 * than Page-Hinkley, because p averages over everything seen.
 */
export class Ddm implements DriftDetector {
  readonly scale: Scale;
  private readonly direction: Direction;
  private readonly weak: number;
  private readonly minWindows: number;
  private readonly warningLevel: number;
  private readonly alarmLevel: number;
  private seen = 0;
  private rate = 0;
  private deviation = 0;
  private lowRate = 2;
  private lowDeviation = 2;

  constructor(options: DdmOptions) {
    this.scale = new Scale(options);
    this.direction = options.direction;
    this.weak = options.weak ?? 1;
    this.minWindows = options.minWindows ?? 30;
    this.warningLevel = options.warning ?? 2;
    this.alarmLevel = options.alarm ?? 3;
  }

  push(signal: number): boolean {
    if (!this.scale.ready()) {
      this.scale.learn(signal);
      return false;
    }
    return this.pushError(this.direction * this.scale.standardise(signal) > this.weak);
  }

  pushError(error: boolean): boolean {
    this.seen++;
    this.rate += ((error ? 1 : 0) - this.rate) / this.seen;
    this.deviation = Math.sqrt((this.rate * (1 - this.rate)) / this.seen);
    if (this.seen < this.minWindows) return false;
    // As published, a rate of 0 would be a minimum with no deviation and the next error an alarm.
    if (this.rate > 0 && this.rate + this.deviation < this.lowRate + this.lowDeviation) {
      this.lowRate = this.rate;
      this.lowDeviation = this.deviation;
    }
    return this.above(this.alarmLevel);
  }

  /** The error rate is suspicious, though not yet an alarm: a good time to start keeping windows. */
  warning(): boolean {
    return this.above(this.warningLevel);
  }

  progress(): number {
    if (this.seen < this.minWindows || this.lowRate > 1) return 0;
    const rise = this.rate + this.deviation - this.lowRate - this.lowDeviation;
    return rise / ((this.alarmLevel - 1) * this.lowDeviation);
  }

  reset(): void {
    this.scale.reset();
    this.seen = 0;
    this.rate = 0;
    this.deviation = 0;
    this.lowRate = 2;
    this.lowDeviation = 2;
  }

  private above(level: number): boolean {
    if (this.seen < this.minWindows) return false;
    return this.rate + this.deviation >= this.lowRate + level * this.lowDeviation;
  }
}

export interface AdwinOptions extends ScaleOptions {
  direction: Direction;
  /** Confidence of a cut, 0..1, smaller is more cautious; default 0.002, as published. */
  delta?: number;
  /** Rows of buckets, 1..16: the window reaches back over at most 5 * (2^rows - 1); default 8. */
  rows?: number;
}

/** Sum and squared deviations of some consecutive windows. */
interface Bucket {
  sum: number;
  square: number;
}

const BUCKETS_A_ROW = 5;
const SHORTEST_SIDE = 5;

/**
 * ADWIN2 (Bifet and Gavalda, "Learning from time-changing data with adaptive windowing", SDM 2007):
 * a window that grows while its mean holds and drops its oldest part when two sides differ by more
 * than
 *
 *   sqrt(2 / m * variance * ln(2 / d)) + 2 / (3 m) * ln(2 / d),   1 / m = 1 / n0 + 1 / n1,
 *                                                                 d = delta / ln(n)
 *
 * Kept as buckets of 1, 2, 4, ... windows, at most five of a size, and, unlike the paper, at most
 * `rows` sizes: memory is constant, and what is older is forgotten. The signal is standardised and
 * mapped to 0..1. It needs no threshold and adapts to slow change by itself, for some 4,000
 * bytecode instructions a window.
 */
export class Adwin implements DriftDetector {
  readonly scale: Scale;
  private readonly clip: number;
  private readonly direction: Direction;
  private readonly delta: number;
  private readonly rows: number;
  /** Row r holds the buckets of 2^r windows, oldest first. */
  private buckets: Bucket[][] = [];
  private seen = 0;
  private sum = 0;
  private square = 0;
  private closest = 0;

  constructor(options: AdwinOptions) {
    this.scale = new Scale(options);
    this.clip = options.clip ?? 3;
    this.direction = options.direction;
    this.delta = options.delta ?? 0.002;
    this.rows = options.rows ?? 8;
    this.clear();
  }

  push(signal: number): boolean {
    if (!this.scale.ready()) {
      this.scale.learn(signal);
      return false;
    }
    this.add(this.scale.standardise(signal) / (2 * this.clip) + 0.5);
    let drift = false;
    this.closest = 0;
    let sign = this.findCut();
    while (sign !== 0) {
      if (sign === this.direction) drift = true;
      this.dropOldest();
      sign = this.findCut();
    }
    return drift;
  }

  /** Windows that the present mean is taken over. */
  length(): number {
    return this.seen;
  }

  /** Mean of the window, as a share of -clip..clip deviations mapped to 0..1. */
  average(): number {
    return this.seen > 0 ? this.sum / this.seen : 0.5;
  }

  progress(): number {
    return this.closest;
  }

  reset(): void {
    this.scale.reset();
    this.clear();
  }

  private clear(): void {
    this.buckets = [];
    for (let row = 0; row < this.rows; row++) this.buckets.push([]);
    this.seen = 0;
    this.sum = 0;
    this.square = 0;
    this.closest = 0;
  }

  private add(value: number): void {
    if (this.seen > 0) {
      const off = value - this.sum / this.seen;
      this.square += (off * off * this.seen) / (this.seen + 1);
    }
    this.seen++;
    this.sum += value;
    this.append(0, { sum: value, square: 0 });
  }

  private append(row: number, bucket: Bucket): void {
    this.row(row).push(bucket);
    if (this.row(row).length <= BUCKETS_A_ROW) return;
    if (row + 1 === this.rows) {
      this.dropOldest();
      return;
    }
    const a = this.takeOldest(row);
    const b = this.takeOldest(row);
    const windows = windowsIn(row);
    const off = (a.sum - b.sum) / windows;
    const square = a.square + b.square + (off * off * windows) / 2;
    this.append(row + 1, { sum: a.sum + b.sum, square });
  }

  /** 0 when no cut is needed, else the direction in which the newer side differs. */
  private findCut(): -1 | 0 | 1 {
    if (this.seen < 2 * SHORTEST_SIDE) return 0;
    const confidence = Math.log((2 * Math.log(this.seen)) / this.delta);
    const spread = (2 * this.square * confidence) / this.seen;
    let n0 = 0;
    let sum0 = 0;
    for (let row = this.rows - 1; row >= 0; row--) {
      const windows = windowsIn(row);
      const buckets = this.row(row);
      for (let i = 0; i < buckets.length; i++) {
        n0 += windows;
        sum0 += (buckets[i] as Bucket).sum;
        const n1 = this.seen - n0;
        if (n0 < SHORTEST_SIDE) continue;
        if (n1 < SHORTEST_SIDE) return 0;
        const off = (this.sum - sum0) / n1 - sum0 / n0;
        const perWindow = 1 / n0 + 1 / n1;
        const allowed = Math.sqrt(perWindow * spread) + (2 / 3) * perWindow * confidence;
        const size = Math.abs(off);
        this.closest = Math.max(this.closest, size / allowed);
        if (size > allowed) return off > 0 ? 1 : -1;
      }
    }
    return 0;
  }

  private dropOldest(): void {
    let row = this.rows - 1;
    while (this.row(row).length === 0) row--;
    const oldest = this.takeOldest(row);
    const windows = windowsIn(row);
    const left = this.seen - windows;
    this.sum -= oldest.sum;
    const off = left > 0 ? oldest.sum / windows - this.sum / left : 0;
    this.square -= oldest.square + (off * off * windows * left) / this.seen;
    this.square = Math.max(0, this.square);
    this.seen = left;
  }

  private takeOldest(row: number): Bucket {
    return this.row(row).shift() as Bucket;
  }

  private row(row: number): Bucket[] {
    return this.buckets[row] as Bucket[];
  }
}

function windowsIn(row: number): number {
  return 1 << row;
}
