import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileProgram } from '../../sim/compile.ts';
import { projectRoot } from '../support/data.ts';
import { ScriptedBoard } from './scripted-board.ts';

/* test/src/programs/learner.ts on the official VM; here is the world that it asks for. */

const LONGEST_MS = 90_000;

describe('learner.ts on the official VM', () => {
  const lines = new Map<string, string>();

  beforeAll(async () => {
    const program = await compileProgram(join(projectRoot, 'test/src/programs/learner.ts'));
    const board: ScriptedBoard = await ScriptedBoard.boot({
      program,
      script: { words: ['yes', 'no', 'stop'], losses: [2, 1] },
      onLine: (line) => {
        const words = Number(/^speak (\d+)/.exec(line)?.[1] ?? 0);
        for (let i = 0; i < words; i++) board.say(i % 3, false, 600 + 1600 * i);
        const [, name, rest] = /^(\D+?) ((?:true|false|\d|-|yes).*)$/.exec(line) ?? [];
        if (name !== undefined) lines.set(name, rest as string);
        else lines.set(line, '');
      },
    });
    while (!lines.has('end') && board.clock.now < LONGEST_MS) await board.pass(1000);
    board.powerOff();
    expect([...lines.keys()].filter((line) => line.startsWith('panic'))).toEqual([]);
    expect(lines.has('end')).toBe(true);
  });

  it.each([
    ['reads the names of the classes', 'words', 'yes,no,stop'],
    ['gives up waiting when it is quiet', 'quiet', 'true'],
    ['is told when training was refused', 'train without windows', '0'],
    // -96..0 dB: 4,000 of 8,000 samples at 1,000 of 32,768
    ['hears a word with label, margin and level', 'heard', '1 0 true -33'],
    ['labels a window for training and for the check', 'remember', 'true true'],
    ['is told when a window is gone', 'unknown window', 'false'],
    ['queues windows that come while it is busy', 'queue', '2 3 true'],
    ['keeps the last four when more come', 'oldest of four', '6'],
    ['forgets the queue', 'flushed', 'true'],
    ['waits for training and learns its energy', 'trained', 'true'],
    ['checks: one window, none right, loss 1, and the score of it', 'check', '1 0 1 0.5'],
    ['undoes a burst', 'rolled back', '2'],
    ['drops the labelled windows', 'forgotten', '0'],
    [
      'knows an empty slot from a saved one and from one that is not there',
      'slots',
      'false true true false',
    ],
    ['hears nothing while it sleeps', 'slept through', 'true'],
  ])('%s', (_, name, expected) => {
    expect(lines.get(name)).toBe(expected);
  });
});
