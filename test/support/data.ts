import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root folder of the project. */
export const projectRoot = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** The folder of recordings and reference models: RETUNE_DATA, or ../shared/data beside the project. */
export function dataRoot(): string {
  return resolve(process.env['RETUNE_DATA'] ?? join(projectRoot, '../shared/data'));
}

/** Absolute path of a file or folder of the data set; throws when it is not there. */
export function dataPath(relative: string): string {
  const path = join(dataRoot(), relative);
  if (!existsSync(path)) {
    throw new Error(
      `${path} does not exist; set RETUNE_DATA to the folder that holds audio/, models/ and sensors/`,
    );
  }
  return path;
}
