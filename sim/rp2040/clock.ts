/** The emulated chip's clock: alarms in the order of their times, moved by whoever runs the core. */

interface Alarm {
  nanos: number;
  readonly callback: () => void;
  /** Ties are served in the order in which they were set. */
  order: number;
  isSet: boolean;
}

export class ChipClock {
  nanos = 0;
  private readonly alarms: Alarm[] = [];
  private order = 0;
  /** Called when the next alarm may have come nearer. */
  onSchedule?: () => void;

  createAlarm(callback: () => void): { schedule(delta: number): void; cancel(): void } {
    const alarm: Alarm = { nanos: 0, callback, order: 0, isSet: false };
    return {
      schedule: (delta) => this.set(alarm, this.nanos + delta),
      cancel: () => this.cancel(alarm),
    };
  }

  private set(alarm: Alarm, nanos: number): void {
    this.cancel(alarm);
    alarm.nanos = nanos;
    alarm.order = this.order++;
    alarm.isSet = true;
    let at = this.alarms.length;
    while (at > 0 && this.alarms[at - 1]!.nanos > nanos) at -= 1;
    this.alarms.splice(at, 0, alarm);
    this.onSchedule?.();
  }

  private cancel(alarm: Alarm): void {
    if (!alarm.isSet) return;
    alarm.isSet = false;
    this.alarms.splice(this.alarms.indexOf(alarm), 1);
  }

  get nextNanos(): number {
    return this.alarms[0]?.nanos ?? Infinity;
  }

  /** Moves on; what is due happens at its own time. */
  advanceTo(nanos: number): void {
    for (let first = this.alarms[0]; first && first.nanos <= nanos; first = this.alarms[0]) {
      this.alarms.shift();
      first.isSet = false;
      if (first.nanos > this.nanos) this.nanos = first.nanos;
      first.callback();
    }
    if (nanos > this.nanos) this.nanos = nanos;
  }
}
