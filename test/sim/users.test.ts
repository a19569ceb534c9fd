import { describe, expect, it } from 'vitest';
import { runUsers, type UsersSummary } from '../../sim/users.ts';

/** src/multiuser.ts with two voices that are unlike any the model knows, each taught in turn. */
async function story(target: 'wasm' | 'official'): Promise<{
  summary: UsersSummary;
  lines: string[];
}> {
  const lines: string[] = [];
  const print = (): void => undefined;
  const onLine = (line: string): void => void lines.push(line);
  return { summary: await runUsers({ target, words: 12, print, onLine }), lines };
}

const wordsOf = (lines: string[], kind: string): string[] =>
  lines.filter((line) => line.startsWith(`${kind} `));

describe('two people on one device', () => {
  it('are each understood with their own adapter, on both targets alike', async () => {
    const [ours, theirs] = [await story('wasm'), await story('official')];
    for (const { people, saved } of [ours.summary, theirs.summary]) {
      expect(saved).toBe(2);
      expect(people.map(({ name }) => name)).toEqual(['child', 'giant']);
      for (const { before, own, others, rebooted } of people) {
        expect(own.right).toBeGreaterThanOrEqual(11); // of 12
        expect(rebooted.right).toBeGreaterThanOrEqual(11);
        expect(before.right).toBeLessThan(own.right);
        expect(others.right).toBeLessThan(before.right); // the other's voice is none of this one's
      }
    }
    expect(ours.summary.people).toEqual(theirs.summary.people);
    for (const kind of ['place', 'person', 'saved', 'decision', 'heard']) {
      expect(wordsOf(ours.lines, kind)).toEqual(wordsOf(theirs.lines, kind));
    }
    expect(wordsOf(ours.lines, 'saved')).toEqual([
      'saved 0 name=anna right=10 of=10',
      'saved 1 name=ben right=10 of=10',
    ]);
  }, 300_000);
});
