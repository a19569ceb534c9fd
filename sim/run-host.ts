import { RetuneError } from '../cli/error.ts';
import type { RunOptions } from './run-program.ts';

/** Runs an image with the runner that native/hal/host builds for this computer. */
export function runOnHost(image: Uint8Array, options: RunOptions): Promise<void> {
  throw new RetuneError(`--target host: not built yet (${image.length}, ${options.seed ?? 1})`);
}
