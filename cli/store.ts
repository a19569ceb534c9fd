import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { boardOf, readManifest } from '../compiler/manifest.ts';
import { ADAPTER_SLOTS } from '../fleet/store-image.ts';
import {
  adapterBlob,
  LARGEST_IMAGE_BYTES,
  regionOf,
  storeJson,
  storeText,
} from '../fleet/store-text.ts';
import { RetuneError } from './error.ts';
import { wholeNumber } from './values.ts';
import { writeResult } from './writable.ts';

interface StoreFlags {
  manifest: string;
  board?: string;
}

/** The store's region of an image file; errors name the file. */
function readRegion(file: string, { manifest, board }: StoreFlags): Uint8Array {
  let image: Uint8Array;
  try {
    const { size } = statSync(file);
    if (size > LARGEST_IMAGE_BYTES) {
      throw new RetuneError(`${file}: ${size} bytes are more than any board's flash has`);
    }
    image = new Uint8Array(readFileSync(file));
  } catch (error) {
    if (error instanceof RetuneError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new RetuneError(`${file}: cannot be read (${code}); give the path of a flash image`);
  }
  return named(file, () => regionOf(image, boardOf(readManifest(resolve(manifest)), board)));
}

function named<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof RetuneError) throw new RetuneError(`${file}: ${error.message}`);
    throw error;
  }
}

function inspect(file: string, options: StoreFlags & { json?: boolean }): void {
  const region = readRegion(file, options);
  console.log(
    named(file, () =>
      options.json ? JSON.stringify(storeJson(region), null, 2) : storeText(region),
    ),
  );
}

function extract(file: string, options: StoreFlags & { slot: number; out: string }): void {
  const region = readRegion(file, options);
  const blob = named(file, () => adapterBlob(region, options.slot));
  writeResult(options.out, blob, 'name another file with --out');
  console.log(`${options.out}: the adapter of slot ${options.slot}, ${blob.length} bytes`);
}

function withBoardOptions(command: Command): Command {
  return command
    .option('--manifest <file>', 'names the board', 'devicescript.json')
    .option('--board <name>', "a board in boards/ (default: the manifest's)");
}

/** `retune store`: what lies in a board's flash, read from a file. */
export function addStoreCommand(program: Command): void {
  const store = program
    .command('store')
    .description('look into the store of a flash image (docs/store.md)');
  withBoardOptions(store.command('inspect <file>'))
    .description('list what an image of the flash, or of the store alone, holds')
    .option('--json', 'print all of it as JSON')
    .action(inspect);
  withBoardOptions(store.command('extract <file>'))
    .description('write the adapter of a slot to a file, for `retune delta pack --adapter`')
    .requiredOption('--slot <number>', 'which', wholeNumber(0, ADAPTER_SLOTS - 1))
    .requiredOption('--out <file>', 'where to')
    .action(extract);
}
