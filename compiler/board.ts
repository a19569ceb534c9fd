/** The part of a .board.json that the compiler needs: how much memory there is. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { z } from 'zod';
import { RetuneError, oneLine } from '../cli/error.ts';
import { describeIssue } from './zod-message.ts';

/**
 * DeviceScript's own fields (pins, led, …) stand beside `retune` and are its CLI's to check; fields
 * of `retune` that others need are theirs.
 */
const boardSchema = z.looseObject({
  devName: z.string().min(1),
  retune: z.looseObject({
    clockHz: z.int().positive(),
    ramBytes: z.int().positive(),
    flashBytes: z.int().positive(),
    flashSectorBytes: z.int().positive(),
    /** Taken by what is not the learning engine: VM heap, stacks; the firmware's code. */
    ramReservedBytes: z.int().min(0).default(0),
    flashReservedBytes: z.int().min(0).default(0),
    power: z
      .looseObject({
        supplyVolts: z.number().positive(),
        activeMilliamps: z.number().positive(),
        sleepMilliamps: z.number().positive(),
      })
      .optional(),
  }),
});

export interface Board {
  /** File name without .board.json. */
  id: string;
  file: string;
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
    id: basename(file).replace(/\.board\.json$/, ''),
    file,
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
  }
  return board;
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
