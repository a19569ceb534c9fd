import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { RetuneError } from '../cli/error.ts';
import { projectRoot } from './compile.ts';

/**
 * Folder with the ten digits spoken by the synthetic voices that the base model never heard
 * (`demo` in models/digits/voices.json). They are made on first use and kept under .retune/.
 */
export async function demoVoices(
  onProgress: (text: string) => void = () => undefined,
): Promise<string> {
  const folder = join(projectRoot, '.retune', 'voices');
  if (existsSync(folder)) return folder;
  onProgress('synthesising two voices (once)');
  mkdirSync(join(projectRoot, '.retune'), { recursive: true });
  // written beside and renamed at the end, so that an interrupted run leaves no half a folder
  const scratch = mkdtempSync(`${folder}-`);
  try {
    await synthesise(scratch);
    if (!existsSync(folder)) renameSync(scratch, folder);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return folder;
}

function synthesise(folder: string): Promise<void> {
  const script = join(projectRoot, 'models/digits/synthesise.mjs');
  return new Promise((done, fail) => {
    execFile(process.execPath, ['--no-warnings', script, folder, '--demo'], (error, _, stderr) => {
      if (error === null) done();
      else fail(new RetuneError(`${script}: the voices cannot be synthesised: ${stderr.trim()}`));
    });
  });
}
