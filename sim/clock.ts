import type { Scheduler } from './jacdac.ts';

type Callback = (...args: unknown[]) => void;

interface Timer {
  /** Milliseconds of virtual time. */
  at: number;
  /** Order of creation: timers due at the same instant run in this order. */
  order: number;
  /** Period of a repeating timer, in milliseconds. */
  period?: number;
  run: () => void;
  owner: ClockGroup;
}

/**
 * Virtual time. It stands still while code runs and jumps from one timer to the next, so that
 * a simulation is as fast as the computer allows and the same on every one.
 */
export class VirtualClock {
  /** Milliseconds since the simulation began. */
  now = 0;
  private readonly timers: Timer[] = [];
  private count = 0;

  /** Timers that can be cancelled together, when a board loses power for example. */
  group(): ClockGroup {
    return new ClockGroup(this);
  }

  /** Instant of the next timer; Infinity when there is none. */
  get next(): number {
    return this.timers[0]?.at ?? Infinity;
  }

  /** Moves time to `instant` and runs every timer due by then, in order. */
  advance(instant: number): void {
    while (this.next <= instant) {
      const timer = this.timers.shift() as Timer;
      this.now = Math.max(this.now, timer.at);
      if (timer.period !== undefined) this.insert({ ...timer, at: timer.at + timer.period }, timer);
      timer.run();
    }
    this.now = Math.max(this.now, instant);
  }

  /** @internal */
  add(owner: ClockGroup, run: () => void, delay: number, period?: number): Timer {
    const at = this.now + Math.max(0, delay);
    return this.insert({ at, order: this.count++, period, run, owner });
  }

  /** @internal A repeating timer keeps its identity, for it is the handle that cancels it. */
  private insert(timer: Timer, identity: Timer = timer): Timer {
    Object.assign(identity, timer, { order: this.count++ });
    let i = this.timers.length;
    while (i > 0 && (this.timers[i - 1] as Timer).at > identity.at) i--;
    this.timers.splice(i, 0, identity);
    return identity;
  }

  /** @internal */
  remove(timer: Timer): void {
    const i = this.timers.indexOf(timer);
    if (i >= 0) this.timers.splice(i, 1);
  }

  /** @internal */
  removeAll(owner: ClockGroup): void {
    const kept = this.timers.filter((timer) => timer.owner !== owner);
    this.timers.splice(0, this.timers.length, ...kept);
  }
}

/** A set of timers on one clock, in the form that jacdac-ts asks for. */
export class ClockGroup implements Scheduler {
  constructor(private readonly clock: VirtualClock) {}

  get timestamp(): number {
    return this.clock.now;
  }

  resetTime(): void {
    // virtual time belongs to the simulation, a bus does not set it
  }

  setTimeout(handler: Callback, delay: number, ...args: unknown[]): Timer {
    return this.clock.add(this, () => handler(...args), delay);
  }

  clearTimeout(handle: Timer | undefined): void {
    if (handle !== undefined) this.clock.remove(handle);
  }

  setInterval(handler: Callback, delay: number, ...args: unknown[]): Timer {
    return this.clock.add(this, () => handler(...args), delay, delay);
  }

  clearInterval(handle: Timer | undefined): void {
    this.clearTimeout(handle);
  }

  /** Cancels every timer of the group. */
  clear(): void {
    this.clock.removeAll(this);
  }
}
