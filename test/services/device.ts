/** A board with services, spoken to with packets. Times are microseconds since power on. */

export const EVENT = 0x8000;
export const GET = 0x1000;
export const SET = 0x2000;

/** What a service sent. */
export interface Sent {
  at: number;
  /** Index on the bus. */
  service: number;
  kind: 'report' | 'register' | 'event';
  code: number;
  payload: Buffer;
}

type Eventually<T> = T | Promise<T>;

export interface Device {
  readonly now: number;
  /** Runs until an instant, or until `isDone` says so of something that was sent. */
  run(until: number, isDone?: (sent: Sent) => boolean): Eventually<void>;
  /** Runs until something of the kind was sent since the last `take`, and returns it. */
  until(isWanted: (sent: Sent) => boolean, limit?: number): Eventually<Sent>;
  /** What was sent since the last call, oldest first; without what an event repeats. */
  take(): Sent[];
  /** Sends a command and returns its report. */
  command(service: number, code: number, payload?: Buffer): Eventually<Buffer>;
  read(service: number, code: number): Eventually<Buffer>;
  write(service: number, code: number, payload: Uint8Array): Eventually<void>;
}

export function kindOf(command: number): Pick<Sent, 'kind' | 'code'> {
  if ((command & EVENT) !== 0) return { kind: 'event', code: command & 0xff };
  if ((command & GET) !== 0) return { kind: 'register', code: command & 0xfff };
  return { kind: 'report', code: command };
}
