/**
 * Is that a word? A microphone that is stuck, clipped or missing, and a fan, make windows too; who
 * learns from those forgets the words. `Sensor` looks at the shape of every window, and at what
 * capture says of its converter, and tells what may be learned from. `WakeLevel` keeps the level
 * that wakes the device above a noise that does not end.
 *
 * Plain logic that takes numbers; see capture's event `window_ready` for them.
 */

/** What capture says of a window. */
export interface Shape {
  /** Level of the window, in dB below full scale, -96..0. */
  level: number;
  /** Level of the sample farthest from the middle, in dB below full scale, -96..0. */
  peak: number;
  /** Samples at an end of the converter's range. */
  clipped: number;
  /** How long the sound lasted that the window was cut around, in ms; 0: cut without a sound. */
  soundMs: number;
}

/** 'word': may be learned from. 'clipped', 'flat': signs of a broken microphone. 'noise': goes on. */
export type Verdict = 'word' | 'clipped' | 'flat' | 'noise';

/** '': none. 'missing', 'stuck': says capture. 'clipped', 'flat': say the windows. */
export type Fault = '' | 'missing' | 'stuck' | 'clipped' | 'flat';

export interface SensorOptions {
  /**
   * Peak over level, in dB, at least; default 8. A square wave has 0, uniform noise 5, recorded
   * words at least 11 (bench/sensor.ts).
   */
  minCrest?: number;
  /** Clipped samples of a window at most; default 80, a hundredth of a second at 8 kHz. */
  maxClipped?: number;
  /** A sound that lasts this long is no word, in ms; default 1900. */
  longestWordMs?: number;
  /** Bad windows in a row that make a fault, 1 or more; default 2. */
  patience?: number;
  /** Good windows in a row after which a fault is over, 1 or more; default 3. */
  trust?: number;
}

export class Sensor {
  private readonly minCrest: number;
  private readonly maxClipped: number;
  private readonly longestWordMs: number;
  private readonly patience: number;
  private readonly trust: number;
  private converter: Fault = '';
  private windows: Fault = '';
  private bad = 0;
  private good = 0;

  constructor(options: SensorOptions) {
    this.minCrest = options.minCrest ?? 8;
    this.maxClipped = options.maxClipped ?? 80;
    this.longestWordMs = options.longestWordMs ?? 1900;
    this.patience = options.patience ?? 2;
    this.trust = options.trust ?? 3;
  }

  /** Takes capture's register `health`: 0 good, 1 missing, 2 stuck. */
  setHealth(health: number): void {
    if (health === 0) this.converter = '';
    else this.converter = health === 1 ? 'missing' : 'stuck';
  }

  /** Takes the shape of a window and says what it is. */
  judge(shape: Shape): Verdict {
    const verdict = this.verdictOn(shape);
    if (verdict === 'clipped' || verdict === 'flat') {
      this.good = 0;
      this.bad++;
      if (this.bad >= this.patience) this.windows = verdict;
    } else if (verdict === 'word') {
      this.bad = 0;
      this.good++;
      if (this.good >= this.trust) this.windows = '';
    }
    return verdict;
  }

  /** What is wrong with the microphone; while it is not '', nothing is to be learned. */
  fault(): Fault {
    return this.converter !== '' ? this.converter : this.windows;
  }

  private verdictOn(shape: Shape): Verdict {
    if (shape.clipped > this.maxClipped) return 'clipped';
    if (shape.peak - shape.level < this.minCrest) return 'flat';
    return shape.soundMs >= this.longestWordMs ? 'noise' : 'word';
  }
}

export interface WakeLevelOptions {
  /** The level in a quiet room, in dB below full scale, -96..0; default -60. */
  lowest?: number;
  /** Never above this; default -25. */
  highest?: number;
  /** How far above a noise, in dB; default 8. */
  above?: number;
  /** How far down at once, in dB; default 4. */
  stepDown?: number;
  /**
   * How long without a noise before it goes down, in ms; default 300000. Twice as long, up to an
   * hour, each time that this was too soon.
   */
  calmMs?: number;
}

const LONGEST_CALM_MS = 3600000;

/**
 * A noise that does not end hides every word, for windows are then cut anywhere. So the wake level
 * rises above it, and comes back in steps when it is gone.
 */
export class WakeLevel {
  private readonly lowest: number;
  private readonly highest: number;
  private readonly above: number;
  private readonly stepDown: number;
  private readonly calmMs: number;
  private level: number;
  private sinceMs = 0;
  private waitMs: number;
  private isProbing = false;

  constructor(options: WakeLevelOptions) {
    this.lowest = options.lowest ?? -60;
    this.highest = options.highest ?? -25;
    this.above = options.above ?? 8;
    this.stepDown = options.stepDown ?? 4;
    this.calmMs = options.calmMs ?? 300000;
    this.level = this.lowest;
    this.waitMs = this.calmMs;
  }

  /** The level now, in dB below full scale. */
  value(): number {
    return this.level;
  }

  /** A window of noise of this level was heard; true: the wake level has changed. */
  noise(level: number, nowMs: number): boolean {
    this.sinceMs = nowMs;
    if (this.isProbing) this.waitMs = Math.min(LONGEST_CALM_MS, 2 * this.waitMs);
    this.isProbing = false;
    return this.set(Math.max(this.level, level + this.above));
  }

  /** Time passes; true: the wake level has changed. */
  calm(nowMs: number): boolean {
    if (this.level === this.lowest) {
      this.isProbing = false;
      this.waitMs = this.calmMs;
      return false;
    }
    // once it has begun to go down, the next steps need no such patience
    if (nowMs - this.sinceMs < (this.isProbing ? this.calmMs : this.waitMs)) return false;
    this.sinceMs = nowMs;
    this.isProbing = true;
    return this.set(this.level - this.stepDown);
  }

  private set(level: number): boolean {
    const before = this.level;
    this.level = Math.max(this.lowest, Math.min(this.highest, level));
    return this.level !== before;
  }
}
