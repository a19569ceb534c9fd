/** Runs an image with the firmware for this computer and gives all it prints. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function runImage(runner: string, image: Uint8Array, options: string[] = []): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'retune-core-'));
  try {
    const file = join(folder, 'program.devs');
    writeFileSync(file, image);
    const { stdout, stderr, signal } = spawnSync(runner, ['--end', ...options, file], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    if (signal !== null || stderr !== '') throw new Error(`${signal ?? ''} ${stderr}`);
    return stdout.trimEnd().split('\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}
