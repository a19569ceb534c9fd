import { execFile } from 'node:child_process';

/**
 * Runs an image with the firmware on this computer (native/hal/host). Returns what it printed, in the
 * form of the golden texts.
 *
 * @param program the runner, as tools/native/host-vm.mjs built it
 * @throws Error when the runner crashed, with the sanitizer's report
 */
export function runHost(program: string, image: string, options: string[] = []): Promise<string> {
  const environment = { ...process.env, UBSAN_OPTIONS: 'print_stacktrace=1' };
  return new Promise((resolve, reject) => {
    execFile(
      program,
      ['--end', ...options, image],
      { env: environment, maxBuffer: 1 << 28, timeout: HANG_MS },
      (error, stdout, stderr) => {
        if (stderr === '' && /\n= \w/.test(`\n${stdout}`)) resolve(withoutReport(stdout));
        else
          reject(
            new Error(`${image}: ${error?.signal ?? error?.code}\n${stdout.slice(-500)}${stderr}`),
          );
      },
    );
  });
}

/** Real milliseconds after which a run counts as hung. */
const HANG_MS = 120_000;

/** Ours says which panic it was as a console line; the official VM says so elsewhere. */
function withoutReport(text: string): string {
  const lines = text.split('\n').map((line) => line.trimEnd());
  return lines.filter((line) => !/^! (PANIC|program refused)/.test(line)).join('\n');
}
