/** What the converter of a board hears, in the order of its samples. */
export interface Sound {
  /** The converter was switched on at this instant (milliseconds since power on). */
  begin: (instant: number, rate: number) => void;
  /**
   * The next samples; full scale is 32,767, in steps of a 12-bit converter. None: the converter is
   * dead.
   */
  next: (count: number) => Int16Array;
}

/** Why a chip no longer runs. */
export type Stop = 'reset' | 'halted' | 'power cut' | 'watchdog';

/** What has become of the program: rt_vm_state_t. `refused`: there is none, or it is damaged. */
export interface ProgramState {
  state: 'refused' | 'running' | 'ended' | 'restart' | 'reboot' | 'panicked';
  /** When panicked; else 0. */
  panic: number;
}

/** A chip with our firmware, from power on to power off: WebAssembly, or an emulated RP2040. */
export interface Chip {
  /** Milliseconds since power on. */
  readonly now: number;
  /** Flash content; the next power cycle gets a copy. */
  readonly flash: Uint8Array;
  /** Set once it has stopped; then `advance` does nothing any more. */
  readonly stop?: Stop;
  /** Processor cycles spent on computing since power on. */
  readonly cycles: number;
  readonly isListening: boolean;
  readonly program: ProgramState;
  /**
   * Lets time pass, up to `limit` (milliseconds since power on) at most, and ends early when bytes
   * have come out. Work that has begun is finished, so `now` may end up beyond the limit.
   */
  advance: (limit: number) => void;
  /** Bytes that came out of the link to the computer since the last call. */
  take: () => Uint8Array;
  /** Lines of the console since the last call, where the link may leave some out. */
  takeConsole?: () => string[];
  /** Bytes into the link. */
  receive: (bytes: Uint8Array) => void;
  /** Level at an input; a button that is pressed gives 0. */
  setPin: (pin: number, level: 0 | 1) => void;
  /** Level or duty of an output, 0 to 1. */
  outputOf: (pin: number) => number;
  /** Charge (0 to 1), voltage and capacity of the battery, where the chip can measure them. */
  setBattery: (charge: number, millivolts: number, milliwattHours: number) => void;
}
