/**
 * Runs small DeviceScript programs on the official VM: compiled and executed by the npm CLI
 * (`devs run --test`, which also collects garbage at every allocation). What the program prints is
 * what a test compares.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const cli = createRequire(import.meta.url).resolve('@devicescript/cli/devicescript');

/** Real milliseconds after which a program counts as hung. */
const HANG_MS = 60_000;

/**
 * Runs a program and returns the lines it printed.
 *
 * @param name names the folder under build/ that the program is compiled in; one per program
 * @param source DeviceScript; `lib/` in an import stands for src/lib/, the end of the program is added
 * @throws Error with the CLI's output when the program does not compile or panics
 */
export function runOnVm(name: string, source: string): Promise<string[]> {
  const folder = join(root, 'build', 'vm-tests', name);
  mkdirSync(folder, { recursive: true });
  const lib = relative(folder, join(root, 'src', 'lib')).replaceAll('\\', '/');
  const program = `import * as ds from '@devicescript/core';
${source.replaceAll(/from 'lib\//g, `from '${lib}/`)}
ds.restart();
`;
  writeFileSync(join(folder, 'devsconfig.json'), '{}\n');
  writeFileSync(join(folder, 'program.ts'), program);
  const args = ['--no-colors', '--ci', 'run', '--test', '--test-self-exit'];
  args.push('--test-timeout', String(HANG_MS), 'program.ts');
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [cli, ...args], { cwd: folder }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${name}: ${error.message}\n${stdout}${stderr}`));
      else resolve(printedLines(stdout));
    });
  });
}

function printedLines(stdout: string): string[] {
  const lines = stdout.split(/\r?\n/).flatMap((line) => /^WASM> (.*)$/.exec(line)?.[1] ?? []);
  const start = lines.findIndex((line) => line.startsWith('start: '));
  const end = lines.findIndex((line) => line.startsWith('RESTART requested'));
  return lines.slice(start + 1, end);
}

/** A DeviceScript expression for numbers, packed as signed 32-bit integers: see `FROM_HEX`. */
export function packed(values: readonly number[]): string {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeInt32LE(value, 4 * i));
  return `hex\`${bytes.toString('hex')}\``;
}
