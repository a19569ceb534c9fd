import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { SimulatedBoard } from '../../sim/board.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { type Program, compileProgram } from '../../sim/compile.ts';
import type { Flash } from '../../sim/machine.ts';
import { Microphone } from '../../sim/microphone.ts';
import { Battery, loadBoard } from '../../sim/processor.ts';
import { projectRoot } from '../support/data.ts';
import { Random } from '../support/random.ts';
import { type Script, ScriptedEngine, wordPcm } from './scripted-engine.ts';

/*
 * src/keyword.ts on the official VM with an engine that does what a script says: the order of
 * decisions, and what the learner is told, without a model.
 */

const WORDS = ['yes', 'no', 'stop'];
const RHYTHM_MS = 1600;

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
  const clock = new VirtualClock();
  const random = new Random(3);
  const engine = new ScriptedEngine(script);
  const microphone = new Microphone(engine.sampleRate);
  const story: Story = { log: [], saved: [], engine, remembered: [] };
  let asked: number | undefined;
  let answered = 0;
  const say = (label: number, stranger: boolean): void => {
    const pcm = wordPcm(label, stranger);
    const word = WORDS[label] as string;
    microphone.play({ at: clock.now + 600, speaker: 'x', label: word, take: 0, pcm });
  };
  let person = people[0]?.person as Person;
  const board = await SimulatedBoard.create({
    board: loadBoard(),
    clock,
    services: program.services,
    flash,
    battery: new Battery(loadBoard(), charge),
    microphone,
    createEngine: async () => engine,
    randomBytes: (count) => random.bytes(count),
    events: {
      onLog: (_, text) => {
        story.log.push(text);
        const word = /^ask word=(\w+)/.exec(text)?.[1];
        if (word === undefined) return;
        asked = WORDS.indexOf(word);
        say(asked, person.stranger);
      },
      onPanic: (code) => story.log.push(`panic ${code}`),
      onPrediction: () => {
        if (asked === undefined) return;
        asked = undefined;
        board.press(person.slipsOnce === true && answered++ === 0 ? 900 : 120);
      },
      onTraffic: (name, values) => {
        if (name === 'remember')
          story.remembered = engine.remembered.map(({ label, heldOut }) => `${label} ${heldOut}`);
        if (name === 'save' && values[0] === 0)
          story.saved.push([...flash.slots.keys()].at(-1) ?? -1);
      },
      onBrightness: () => undefined,
    },
  });
  await board.boot(program);
  await runUntil(board, clock, 5000);
  for (const { person: speaker, windows } of people) {
    person = speaker;
    for (let i = 0; i < windows; i++) {
      if (asked === undefined && !busy(story)) say(random.below(WORDS.length), person.stranger);
      await runUntil(board, clock, clock.now + RHYTHM_MS);
    }
  }
  board.powerOff();
  return story;
}

/** Between the beginning of enrolment and the decision nobody talks unless asked. */
function busy({ log }: Story): boolean {
  const enrol = log.findLastIndex((line) => line.startsWith('enrol'));
  return enrol > log.findLastIndex((line) => line.startsWith('decision burst'));
}

async function runUntil(board: SimulatedBoard, clock: VirtualClock, instant: number) {
  while (clock.now < instant) await board.machine.step(instant);
}

/** What the app says it does, without the statistic of every window and the VM's own chatter. */
function decisions(log: string[]): string[] {
  return log.filter((line) => /^(drift|enrol|ask|decision|panic) /.test(line));
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
    expect(log[2]).toBe('enrol words=3 takes=4');
    const rounds = [1, 2, 3, 4].flatMap((take) => WORDS.map((w) => `ask word=${w} take=${take}`));
    // The person slipped at the first word, so it is asked for twice.
    expect(log.slice(3, -1)).toEqual([rounds[0], ...rounds]);
    expect(log.at(-1)).toMatch(/^decision burst ended by patience, gain 0\.1666/);
    expect(story.remembered).toEqual(
      rounds.map((_, i) => `${i % WORDS.length} ${i >= 3 * WORDS.length}`),
    );
    expect(story.engine.remembered).toEqual([]);
    expect(story.engine.bursts).toEqual([300, 300]);
    expect(story.saved).toEqual([0]);
    // The second slice hurt: what was saved is the adapter after the first.
    expect(flash.slots.get(0)).toEqual(Uint8Array.of(1));

    const later = await live(program, script, flash, [{ person: STRANGER, windows: 80 }]);
    expect(decisions(later.log)).toEqual(['decision adapter from slot 0']);
    expect(later.engine.loads).toEqual([1]);

    // Slot 1 was saved after slot 0, so it is tried first.
    const both = new Map([...flash.slots, [1, Uint8Array.of(7)]]);
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
});
