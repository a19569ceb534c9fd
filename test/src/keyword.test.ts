import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { freshNotes, saveTo } from '../../sim/adapter-slots.ts';
import { type Program, compileProgram } from '../../sim/compile.ts';
import type { Flash } from '../../sim/machine.ts';
import { projectRoot } from '../support/data.ts';
import { ScriptedBoard } from './scripted-board.ts';
import type { Script, ScriptedEngine } from './scripted-engine.ts';

/*
 * src/keyword.ts on the official VM with an engine that does what a script says: the order of
 * decisions, and what the learner is told, without a model.
 */

const WORDS = ['yes', 'no', 'stop'];
const RHYTHM_MS = 1600;
const REACTION_MS = 600;

interface Person {
  stranger: boolean;
  /** Answers the first request with a hold: wrong. */
  slipsOnce?: boolean;
}

const KNOWN: Person = { stranger: false };
const STRANGER: Person = { stranger: true };

interface Story {
  log: string[];
  saved: number[];
  engine: ScriptedEngine;
  /** What was remembered, before the app dropped it. */
  remembered: string[];
}

/** One power cycle: a person speaks, first the known one, then another, for some windows each. */
async function live(
  program: Program,
  script: Script,
  flash: Flash,
  people: { person: Person; windows: number }[],
  charge = 1,
): Promise<Story> {
  const log: string[] = [];
  const saved: number[] = [];
  let remembered: string[] = [];
  let person = KNOWN;
  let asked = false;
  let answered = 0;
  const board: ScriptedBoard = await ScriptedBoard.boot({
    program,
    script,
    flash,
    charge,
    onLine: (line) => {
      log.push(line);
      const word = /^ask word=(\w+)/.exec(line)?.[1];
      if (word === undefined) return;
      asked = true;
      board.say(WORDS.indexOf(word), person.stranger, REACTION_MS);
    },
    onPrediction: () => {
      if (!asked) return;
      asked = false;
      board.press(person.slipsOnce === true && answered++ === 0 ? 900 : 120);
    },
    onTraffic: (name, status) => {
      const kept = board.engine.remembered;
      if (name === 'remember') remembered = kept.map((w) => `${w.label} ${w.heldOut}`);
      if (name === 'save' && status === 0) saved.push([...flash.slots.keys()].at(-1) ?? -1);
    },
  });
  await board.pass(5000);
  for (const turn of people) {
    person = turn.person;
    for (let i = 0; i < turn.windows; i++) {
      if (!asked && !busy(log)) {
        board.say(board.random.below(WORDS.length), person.stranger, REACTION_MS);
      }
      await board.pass(RHYTHM_MS);
    }
  }
  board.powerOff();
  return { log, saved, remembered, engine: board.engine };
}

/** Between the beginning of enrolment and the decision nobody talks unless asked. */
function busy(log: string[]): boolean {
  const enrol = log.findLastIndex((line) => /^(enrol|trial)/.test(line));
  return enrol > log.findLastIndex((line) => line.startsWith('decision'));
}

/** What the app says it does, without the statistic of every window and the VM's own chatter. */
function decisions(log: string[]): string[] {
  return log.filter((line) => /^(drift|enrol|trial|ask|decision|panic) /.test(line));
}

describe('keyword.ts on the official VM with a scripted engine', () => {
  let program: Program;
  beforeAll(async () => {
    program = await compileProgram(join(projectRoot, 'src/keyword.ts'));
  });

  it('notices a stranger, asks for words, keeps the slice that helped, saves, and loads after a reboot', async () => {
    const flash: Flash = { slots: new Map() };
    const script = { words: WORDS, losses: [2, 1, 1.5] };
    const story = await live(program, script, flash, [
      { person: KNOWN, windows: 80 },
      { person: { stranger: true, slipsOnce: true }, windows: 60 },
    ]);
    const log = decisions(story.log);
    expect(log[0]).toBe('decision base model');
    expect(log[1]).toMatch(/^drift statistic=1\.\d+ since=\d+$/);
    expect(log[2]).toBe('enrol words=3 takes=5');
    const rounds = [1, 2, 3, 4, 5].flatMap((take) =>
      WORDS.map((w) => `ask word=${w} take=${take}`),
    );
    // The person slipped at the first word, so it is asked for twice.
    expect(log.slice(3, -1)).toEqual([rounds[0], ...rounds]);
    expect(log.at(-1)).toMatch(/^decision burst ended by patience, gain 0\.1666/);
    expect(story.remembered).toEqual(
      rounds.map((_, i) => `${i % WORDS.length} ${i >= 4 * WORDS.length}`),
    );
    expect(story.engine.remembered).toEqual([]);
    expect(story.engine.bursts).toEqual([300, 300]);
    expect(story.saved).toEqual([0]);
    // The second slice hurt: what was saved is the adapter after the first.
    expect(flash.slots.get(0)?.map(({ blob }) => [...blob])).toEqual([[1]]);

    const later = await live(program, script, flash, [{ person: STRANGER, windows: 80 }]);
    expect(decisions(later.log)).toEqual(['decision adapter from slot 0']);
    expect(later.engine.loads).toEqual([1]);

    // Slot 1 was saved after slot 0, so it is tried first.
    const both = new Map(flash.slots);
    saveTo(both, 1, { ...freshNotes(), blob: Uint8Array.of(7), state: 'kept' });
    const last = await live(program, script, { slots: both }, [{ person: STRANGER, windows: 1 }]);
    expect(decisions(last.log)).toEqual(['decision adapter from slot 1']);
  });

  it('leaves everything as it was when training only hurts', async () => {
    const flash: Flash = { slots: new Map() };
    const story = await live(program, { words: WORDS, losses: [2, 3] }, flash, [
      { person: KNOWN, windows: 80 },
      { person: STRANGER, windows: 60 },
    ]);
    expect(decisions(story.log).at(-1)).toBe('decision burst ended by patience, gain 0');
    expect(story.engine.loads.at(-1)).toBe(0);
    expect(flash.slots.size).toBe(0);
  });

  it('does not train when it understands the stranger', async () => {
    const script = { words: WORDS, losses: [2, 1], mishears: false };
    const story = await live(program, script, { slots: new Map() }, [
      { person: KNOWN, windows: 80 },
      { person: STRANGER, windows: 60 },
    ]);
    expect(decisions(story.log).at(-1)).toBe('decision no training, 1 of the words are right');
    expect(story.engine.bursts).toEqual([]);
    expect(story.engine.remembered).toEqual([]);
  });

  it('neither trains nor listens all the time on a low battery', async () => {
    const script = { words: WORDS, losses: [2, 1] };
    const people = [{ person: KNOWN, windows: 60 }];
    const full = await live(program, script, { slots: new Map() }, people);
    const low = await live(program, script, { slots: new Map() }, people, 0.02);
    const heard = ({ log }: Story): number =>
      log.filter((line) => line.startsWith('statistic')).length;
    expect(heard(full)).toBe(60);
    expect(heard(low)).toBeGreaterThan(0);
    expect(heard(low)).toBeLessThan(10);

    const stranger = [...people, { person: STRANGER, windows: 60 }];
    const tired = await live(program, script, { slots: new Map() }, stranger, 0.29);
    const statistics = tired.log.map((line) => Number(/^statistic value=(\S+)/.exec(line)?.[1]));
    expect(statistics.some((value) => value > 1)).toBe(true);
    expect(decisions(tired.log)).toEqual(['decision base model']);
    expect(tired.engine.bursts).toEqual([]);
  });

  describe('an adapter from outside', () => {
    const BETTER = Uint8Array.of(1); // as if trained in one slice: loss 1 instead of 2
    const WORSE = Uint8Array.of(0);

    /** Slot 0 holds an adapter that came as a delta, over an older one. */
    function flashWith(blob: Uint8Array, state: 'fresh' | 'trial'): Flash {
      const slots: Flash['slots'] = new Map();
      const notes = { ...freshNotes(), counter: 7, source: 'delta' } as const;
      saveTo(slots, 0, { ...freshNotes(), blob: Uint8Array.of(9), state: 'kept' });
      saveTo(slots, 0, { ...notes, blob, state });
      return { slots };
    }
    const inSlot = ({ slots }: Flash): unknown[] =>
      (slots.get(0) ?? []).map(({ blob, state }) => [blob[0], state]);
    const script = { words: WORDS, losses: [2, 1] };
    const asks = WORDS.map((word) => `ask word=${word} take=1`);

    it('is tried on every word at the first one heard, and kept', async () => {
      const flash = flashWith(BETTER, 'fresh');
      const { log } = await live(program, script, flash, [{ person: STRANGER, windows: 20 }]);
      expect(decisions(log)).toEqual([
        'decision adapter from slot 0',
        'trial slot=0 words=3',
        ...asks,
        'decision update keep, 1 of the words are right',
      ]);
      expect(inSlot(flash)).toEqual([
        [1, 'kept'],
        [9, 'kept'],
      ]);
      const later = await live(program, script, flash, [{ person: STRANGER, windows: 5 }]);
      expect(decisions(later.log)).toEqual(['decision adapter from slot 0']);
      expect(later.engine.loads).toEqual([1]);
    });

    it('is taken back at once when it does not do, and the one before it is in use', async () => {
      const flash = flashWith(WORSE, 'fresh');
      const deaf = { ...script, mishears: true };
      const { log, engine } = await live(program, deaf, flash, [{ person: STRANGER, windows: 20 }]);
      const said = decisions(log).slice(1);
      expect(said[0]).toBe('trial slot=0 words=3');
      expect(said.at(-2)).toMatch(/^decision update revert, 0\.\d+ of the words are right/);
      expect(said.at(-1)).toBe('decision adapter from slot 0');
      expect(engine.loads).toEqual([0, 9]);
      expect(inSlot(flash)).toEqual([[9, 'kept']]);
    });

    it('is taken back at the next start when nobody came to decide', async () => {
      const flash = flashWith(BETTER, 'fresh');
      await live(program, script, flash, [{ person: STRANGER, windows: 0 }]);
      expect(inSlot(flash)).toEqual([
        [1, 'trial'],
        [9, 'kept'],
      ]);
      const { log, engine } = await live(program, script, flash, [
        { person: STRANGER, windows: 0 },
      ]);
      expect(decisions(log)).toEqual([
        'decision adapter from slot 0',
        'decision update taken back',
      ]);
      expect(engine.loads).toEqual([9]);
      expect(inSlot(flash)).toEqual([[9, 'kept']]);
    });
  });
});
