import { basename } from 'node:path';
import { runProgram, type RunTarget } from '../../sim/run-program.ts';
import { firstDifference, goldenOf, imageFileOf } from './corpus.ts';
import type { Outcome } from './suite.ts';

/** What `retune run --test` prints, in the form of the golden texts. */
async function runOn(target: RunTarget, image: string): Promise<string> {
  const lines: string[] = [];
  let end = 'restart';
  try {
    await runProgram(image, { target, test: true, print: (line) => void lines.push(line) });
  } catch (error) {
    end = /: (panic \d+)/.exec(String((error as Error).message))?.[1] ?? String(error);
  }
  const said = lines.map((line) => line.trimEnd()).filter((line) => !line.startsWith('! PANIC '));
  return `${[...said, `= ${end}`].join('\n')}\n`;
}

/** Runs programs as `retune run --test --target` does and compares with what is kept. */
export async function compareOnChip(target: RunTarget, names: string[]): Promise<Outcome> {
  const outcome: Outcome = { runs: 0, failures: [] };
  for (const name of names) {
    outcome.runs++;
    const image = imageFileOf(name);
    // a reboot ends a run as a restart does
    const golden = (goldenOf(name) ?? '').replace(/= reboot\n$/, '= restart\n');
    const difference = firstDifference(golden, await runOn(target, image));
    if (difference !== undefined) {
      outcome.failures.push({ program: `${name} (${basename(image)})`, difference });
    }
  }
  return outcome;
}
