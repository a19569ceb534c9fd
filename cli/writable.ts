import {
  accessSync,
  appendFileSync,
  constants,
  existsSync,
  mkdirSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { RetuneError } from './error.ts';

function refuse(path: string, error: unknown, advice: string): never {
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  throw new RetuneError(`${path}: cannot be written (${code}); ${advice}`);
}

/** Makes a folder and those above it, or says what the user can do. */
export function ensureFolder(folder: string, advice: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    refuse(folder, error, advice);
  }
}

/** Before a long run: can its result be written to this file? Neither makes nor changes it. */
export function checkWritable(file: string, advice: string): void {
  ensureFolder(dirname(file), advice);
  try {
    if (existsSync(file)) appendFileSync(file, '');
    else accessSync(dirname(file), constants.W_OK);
  } catch (error) {
    refuse(file, error, advice);
  }
}

/** Writes a result, and makes its folder where there is none. */
export function writeResult(file: string, content: string | Uint8Array, advice: string): void {
  ensureFolder(dirname(file), advice);
  try {
    writeFileSync(file, content);
  } catch (error) {
    refuse(file, error, advice);
  }
}
