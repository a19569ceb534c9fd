import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { RetuneError } from '../cli/error.ts';
import type { RunOptions } from './run-program.ts';

interface HostBuild {
  buildHost: (variant: string) => Promise<string>;
}

/** Longest run without --test, in milliseconds of virtual time: what the runner can count. */
const FOREVER_MS = 0xffffffff;

/**
 * Runs an image with the firmware as a program of this computer: in virtual time, which never
 * waits. The runner is compiled on first use.
 */
export async function runOnHost(
  image: Uint8Array,
  file: string,
  options: RunOptions,
  timeoutS: number,
): Promise<void> {
  const tool = new URL('../tools/native/host-vm.mjs', import.meta.url).href;
  const { buildHost } = (await import(tool)) as HostBuild;
  const runner = await buildHost('plain');
  const folder = mkdtempSync(join(tmpdir(), 'retune-run-'));
  try {
    const path = join(folder, 'program.devs');
    writeFileSync(path, image);
    const limit = options.test === true ? Math.round(1000 * timeoutS) : FOREVER_MS;
    const args = ['--end', '--limit', String(limit), '--seed', String(options.seed ?? 1), path];
    const end = await runRunner(runner, args, options);
    judge(file, end, timeoutS);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns the runner's last line, which says how the program ended */
function runRunner(runner: string, args: string[], options: RunOptions): Promise<string> {
  const print = options.print ?? ((line) => void process.stdout.write(`${line}\n`));
  return new Promise((resolve, reject) => {
    const child = spawn(runner, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      signal: options.signal,
    });
    let end = '';
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('= ')) end = line.slice(2);
      else if (!line.startsWith('  ')) print(line);
    });
    child.on('error', (error) => {
      if (error.name === 'AbortError') resolve('ended');
      else reject(error);
    });
    child.on('close', (status) => resolve(end === '' ? `crash ${status ?? ''}` : end));
  });
}

function judge(file: string, end: string, timeoutS: number): void {
  if (end === 'ended' || end === 'restart' || end === 'reboot' || end === 'reset') return;
  if (end.startsWith('panic')) throw new RetuneError(`${file}: ${end}`);
  if (end === 'refused') throw new RetuneError(`${file}: no program that the VM can run`);
  if (end === 'waiting') {
    throw new RetuneError(`${file}: has not ended after ${timeoutS} s; --timeout gives it longer`);
  }
  throw new Error(`the runner of programs ended with ${end}`);
}
