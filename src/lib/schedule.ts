/**
 * Sleep schedule: wake on sound, spend at most a share of the time awake, and sleep longer when the
 * battery is low. Takes numbers, returns milliseconds to sleep; who sleeps is the caller's business.
 *
 * While the capture service runs with a wake level, waiting for a window is a light sleep already:
 * the converter listens, the processor rests. The sleep meant here turns the converter off as well.
 */

export interface ScheduleOptions {
  /** A level above this keeps the device awake, in dB below full scale, -96..0; default -45. */
  wakeLevel?: number;
  /** Stays awake this long after the last sound, in ms, 0 or more; default 5000. */
  holdMs?: number;
  /** Sleep between two looks at a quiet room, in ms; default 500; 0: light sleep only. */
  idleMs?: number;
  /** Share of the time awake at most, above 0, up to 1; default 1 (no limit). */
  duty?: number;
  /** Battery charge below which sleep grows, 0..1; default 0.3. */
  low?: number;
  /** Battery charge at which sleep is longest, 0..low; default 0.05. */
  critical?: number;
  /** Sleep at the critical charge, in ms, idleMs or more; default 30000. */
  longestMs?: number;
}

export class Schedule {
  private readonly wakeLevel: number;
  private readonly holdMs: number;
  private readonly idleMs: number;
  private readonly duty: number;
  private readonly low: number;
  private readonly critical: number;
  private readonly longestMs: number;
  private quietMs = 0;
  private owedMs = 0;

  constructor(options: ScheduleOptions) {
    this.wakeLevel = options.wakeLevel ?? -45;
    this.holdMs = options.holdMs ?? 5000;
    this.idleMs = options.idleMs ?? 500;
    this.duty = options.duty ?? 1;
    this.low = options.low ?? 0.3;
    this.critical = options.critical ?? 0.05;
    this.longestMs = options.longestMs ?? 30000;
  }

  /**
   * How long to sleep now, in ms; 0 means stay awake.
   * @param level sound level since the last call, in dB below full scale
   * @param awakeMs time spent awake since the last call, in ms
   * @param charge battery charge, 0..1; 1 on mains
   */
  next(level: number, awakeMs: number, charge: number): number {
    // Every ms awake owes (1 - duty) / duty ms of sleep; owed time is slept off in one go when quiet.
    this.owedMs += (awakeMs * (1 - this.duty)) / this.duty;
    this.quietMs = level > this.wakeLevel ? 0 : this.quietMs + awakeMs;
    const flat = charge <= this.critical;
    // A nearly empty battery does not wait for the room to become quiet.
    if (this.quietMs < this.holdMs && !flat) return 0;
    const sleepMs = Math.max(this.idleAt(charge), this.owedMs);
    this.owedMs = 0;
    return Math.round(sleepMs);
  }

  /** Sound was heard while asleep (an event of capture): be awake for holdMs again. */
  woken(): void {
    this.quietMs = 0;
  }

  /** Sleep in a quiet room, in ms: idleMs from `low` up, longestMs from `critical` down. */
  idleAt(charge: number): number {
    if (charge >= this.low) return this.idleMs;
    if (charge <= this.critical) return this.longestMs;
    const share = (this.low - charge) / (this.low - this.critical);
    return this.idleMs + share * (this.longestMs - this.idleMs);
  }

  /** Whether the charge allows a burst of training (0..1). */
  mayTrain(charge: number): boolean {
    return charge >= this.low;
  }
}
