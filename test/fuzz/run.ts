import { Random } from '../support/random.ts';
import { targets, type Outcome, type Target } from './targets.ts';

export interface Tally {
  target: string;
  runs: number;
  accepted: number;
  refused: number;
  /** One line a finding: the seed that makes it again, and what went wrong. */
  findings: string[];
}

/** Runs one target with seeds first, first + 1, … */
export async function fuzz(target: Target, runs: number, first: number): Promise<Tally> {
  const tally: Tally = { target: target.name, runs, accepted: 0, refused: 0, findings: [] };
  for (let seed = first; seed < first + runs; seed++) {
    try {
      const outcome: Outcome = await target.run(new Random(seed));
      tally[outcome]++;
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      tally.findings.push(`--target ${target.name} --seed ${seed} --runs 1: ${text}`);
    }
  }
  return tally;
}

export { targets };
