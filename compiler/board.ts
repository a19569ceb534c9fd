/** The part of a .board.json that the compiler needs: how much memory there is. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { z } from 'zod';
import { RetuneError, oneLine } from '../cli/error.ts';
import type { EnergyBoard } from './energy.ts';
import { describeIssue } from './zod-message.ts';

const pinNumber = z.int().min(0).max(254);
/** A name in the board's table of pins, `GP` and the chip's number, or the number. */
const pinRef = z.union([pinNumber, z.string().min(1)]);

/** Where things lie in flash; offsets from its start, whole sectors. */
const flashSchema = z.strictObject({
  /** The deployed script; the firmware lies below it. */
  programOffset: z.int().min(0),
  programBytes: z.int().positive(),
  /** What scripts and services save. */
  storeOffset: z.int().min(0),
  storeBytes: z.int().positive(),
});

const positive = z.number().positive();
const share = z.number().min(0).max(1);

/** Currents at `supplyVolts`; energy.ts says what each means. */
export const powerSchema = z.looseObject({
  supplyVolts: positive,
  activeMilliamps: positive,
  /** Default: as asleep. */
  listeningMilliamps: positive.optional(),
  sleepMilliamps: positive,
  regulatorEfficiency: share.default(1),
});

export const batterySchema = z.looseObject({
  milliwattHours: positive,
  voltsFull: positive,
  voltsEmpty: positive,
  usableFraction: share.default(1),
  selfDischargePerMonth: share.default(0),
});

/**
 * DeviceScript's own fields (pins, led, …) stand beside `retune` and are its CLI's to check; fields
 * of `retune` that others need are theirs.
 */
const boardSchema = z.looseObject({
  devName: z.string().min(1),
  archId: z.string().optional(),
  productId: z.string().default('0'),
  pins: z.record(z.string(), pinNumber).default({}),
  led: z.looseObject({ pin: pinRef }).optional(),
  i2c: z.looseObject({ pinSDA: pinRef, pinSCL: pinRef, kHz: z.number().default(100) }).optional(),
  retune: z.looseObject({
    /** Another name for `retune build --board`. */
    alias: z.string().optional(),
    clockHz: z.int().positive(),
    ramBytes: z.int().positive(),
    flashBytes: z.int().positive(),
    flashSectorBytes: z.int().positive(),
    /** Of the script. */
    heapBytes: z.int().positive().multipleOf(8).default(32768),
    flash: flashSchema.optional(),
    uart: z
      .strictObject({ tx: pinRef, rx: pinRef.optional(), baud: z.int().positive() })
      .optional(),
    ledIsActiveLow: z.boolean().default(false),
    roles: z.looseObject({ microphone: pinRef.optional(), button: pinRef.optional() }).default({}),
    /** Taken by what is not the learning engine: VM heap, stacks; the firmware's code. */
    ramReservedBytes: z.int().min(0).default(0),
    flashReservedBytes: z.int().min(0).default(0),
    power: powerSchema.optional(),
    battery: batterySchema.optional(),
  }),
});
type BoardFields = z.infer<typeof boardSchema>;

/** What a firmware needs to know of the board, beyond its memory. */
export interface BoardHardware {
  /** DeviceScript's name of the chip, for example `rp2040`. */
  archId?: string;
  productId: number;
  pins: Record<string, number>;
  led?: { pin: number; isActiveLow: boolean };
  button?: number;
  microphone?: number;
  i2c?: { sda: number; scl: number; hz: number };
  uart?: { tx: number; rx?: number; baud: number };
  heapBytes: number;
  flash: { programOffset: number; programBytes: number; storeOffset: number; storeBytes: number };
  supplyVolts: number;
  activeMilliamps: number;
  listeningMilliamps: number;
  sleepMilliamps: number;
}

export interface Board extends BoardHardware {
  /** File name without .board.json. */
  id: string;
  file: string;
  alias?: string;
  name: string;
  clockHz: number;
  ramBytes: number;
  flashBytes: number;
  flashSectorBytes: number;
  ramReservedBytes: number;
  flashReservedBytes: number;
  /** Power in sleep and when busy, where the board says so. */
  sleepMilliwatts?: number;
  activeMilliwatts?: number;
  /** For energyReport, where the board says what it takes. */
  energy?: EnergyBoard;
}

/** Reads and checks a board file. Throws RetuneError that names the file and the field. */
export function readBoard(file: string): Board {
  const parsed = boardSchema.safeParse(readJson(file, 'board'));
  if (!parsed.success) {
    throw new RetuneError(`${file}: ${describeIssue(parsed.error)}; correct the board file`);
  }
  const { devName, retune } = parsed.data;
  const { power } = retune;
  const board: Board = {
    ...hardwareOf(parsed.data, file),
    id: basename(file).replace(/\.board\.json$/, ''),
    file,
    alias: retune.alias,
    name: devName,
    clockHz: retune.clockHz,
    ramBytes: retune.ramBytes,
    flashBytes: retune.flashBytes,
    flashSectorBytes: retune.flashSectorBytes,
    ramReservedBytes: retune.ramReservedBytes,
    flashReservedBytes: retune.flashReservedBytes,
  };
  if (power !== undefined) {
    board.sleepMilliwatts = power.supplyVolts * power.sleepMilliamps;
    board.activeMilliwatts = power.supplyVolts * power.activeMilliamps;
    const { clockHz, battery } = retune;
    const listeningMilliamps = power.listeningMilliamps ?? power.sleepMilliamps;
    board.energy = { clockHz, power: { ...power, listeningMilliamps }, battery };
  }
  return board;
}

function hardwareOf(fields: BoardFields, file: string): BoardHardware {
  const { pins, retune, led, i2c } = fields;
  const { roles, uart, power, flashBytes } = retune;
  const number = (what: string, pin: z.infer<typeof pinRef>): number => {
    const found = typeof pin === 'number' ? pin : (pins[pin] ?? numbered(pin));
    if (found !== undefined) return found;
    throw new RetuneError(`${file}: field "${what}": "pins" has no ${pin}; correct the board file`);
  };
  const optional = (what: string, pin?: z.infer<typeof pinRef>): number | undefined =>
    pin === undefined ? undefined : number(what, pin);
  const flash = retune.flash ?? dividedFlash(flashBytes, retune.flashSectorBytes);
  checkFlash(flash, retune.flashSectorBytes, flashBytes, file);
  return {
    archId: fields.archId,
    productId: Number(fields.productId),
    pins,
    led: led && { pin: number('led.pin', led.pin), isActiveLow: retune.ledIsActiveLow },
    button: optional('retune.roles.button', roles.button),
    microphone: optional('retune.roles.microphone', roles.microphone),
    i2c: i2c && {
      sda: number('i2c.pinSDA', i2c.pinSDA),
      scl: number('i2c.pinSCL', i2c.pinSCL),
      hz: i2c.kHz * 1000,
    },
    uart: uart && {
      tx: number('retune.uart.tx', uart.tx),
      rx: optional('retune.uart.rx', uart.rx),
      baud: uart.baud,
    },
    heapBytes: retune.heapBytes,
    flash,
    supplyVolts: power?.supplyVolts ?? 0,
    activeMilliamps: power?.activeMilliamps ?? 0,
    listeningMilliamps: power?.listeningMilliamps ?? power?.sleepMilliamps ?? 0,
    sleepMilliamps: power?.sleepMilliamps ?? 0,
  };
}

/** Half for the firmware, then the script, then what is saved. */
function dividedFlash(flashBytes: number, sector: number): BoardHardware['flash'] {
  const part = (share: number): number => Math.floor((flashBytes * share) / sector) * sector;
  return {
    programOffset: part(1 / 2),
    programBytes: part(1 / 16),
    storeOffset: part(3 / 4),
    storeBytes: part(1 / 8),
  };
}

/** GP7 is the chip's pin 7 even where the board has no such label. */
function numbered(pin: string): number | undefined {
  const digits = /^GP(\d+)$/.exec(pin)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function checkFlash(
  flash: BoardHardware['flash'],
  sector: number,
  flashBytes: number,
  file: string,
): void {
  const fail = (what: string): never => {
    throw new RetuneError(`${file}: field "retune.flash": ${what}; correct the board file`);
  };
  const { programOffset, programBytes, storeOffset, storeBytes } = flash;
  if (Math.max(programOffset + programBytes, storeOffset + storeBytes) > flashBytes) {
    fail(`a region ends beyond the chip's ${flashBytes} bytes`);
  }
  if (programOffset < storeOffset + storeBytes && storeOffset < programOffset + programBytes) {
    fail('program and store overlap');
  }
  if (Object.values(flash).some((value) => value % sector !== 0)) {
    fail(`offsets and sizes must be multiples of the sector, ${sector} bytes`);
  }
}

/** Reads a JSON file; what is wrong with it is an error that names the file. */
export function readJson(file: string, what: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'cannot be read';
    throw new RetuneError(`${file}: the ${what} file cannot be read (${code}); check the path`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = oneLine(error instanceof Error ? error.message : String(error));
    throw new RetuneError(`${file}: is not JSON (${reason}); correct the ${what} file`);
  }
}
