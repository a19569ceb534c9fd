import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StoryEvent, SummaryEvent, WindowEvent } from '../../sim/events.ts';
import { runStory } from '../../sim/story.ts';
import { projectRoot } from '../support/data.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'retune-story-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Output of the command, which must succeed. */
function retune(...args: string[]): Promise<string> {
  const command = [join(projectRoot, 'bin/retune.mjs'), ...args];
  return new Promise((done, fail) => {
    execFile(process.execPath, command, { cwd: projectRoot }, (error, stdout, stderr) => {
      if (error === null) done(stdout);
      else fail(new Error(`${error.message}\n${stderr}`));
    });
  });
}

it('keeps no flash of the official VM, which has none', async () => {
  const options = { headless: true, target: 'official', flash: 'board.flash' } as const;
  await expect(runStory(options)).rejects.toThrow('add --target wasm');
});

describe('the story with synthetic voices', () => {
  let events: StoryEvent[];
  let summary: SummaryEvent;
  const plot = (): string => join(folder, 'plot.svg');
  const flash = (): string => join(folder, 'board.flash');

  beforeAll(async () => {
    const kept = ['--plot', plot(), '--flash', flash()];
    const output = await retune('start', '--json', '--seed', '4', ...kept);
    events = output
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as StoryEvent);
    summary = events.at(-1) as SummaryEvent;
  });

  it('prints nothing but events, in order of time', () => {
    const names = [
      'window',
      'drift',
      'enrol',
      'burst',
      'check',
      'saved',
      'reboot',
      'loaded',
      'summary',
    ];
    for (const event of events) expect(names).toContain(event.event);
    const times = events.map(({ t }) => t);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it('leaves the flash, whose adapter becomes a delta', async () => {
    const out = join(folder, 'new.delta');
    const board = ['--target', 'wasm', '--flash', flash()];
    await retune('delta', 'pack', '--from', '0', ...board, '--out', out);
    const facts = await retune('delta', 'inspect', out);
    expect(facts).toMatch(/method +skip/);
    expect(facts).toMatch(/decodedBytes +3934/);
  });

  it('goes from drift to enrolment, training, check, save, reboot and load', () => {
    const order = ['drift', 'enrol', 'burst', 'check', 'saved', 'reboot', 'loaded', 'summary'];
    const first = order.map((name) => events.findIndex(({ event }) => event === name));
    expect(first).not.toContain(-1);
    // a check before the first burst is the script's affair
    const inOrder = first.filter((_, i) => order[i] !== 'check');
    expect(inOrder).toEqual([...inOrder].sort((a, b) => a - b));
    expect(summary.outcome).toBe('complete');
    expect(summary.loaded).toBe(true);
  });

  it('is right again after adapting, and stays so over the reboot', () => {
    const before = summary.beforeDrift.accuracy ?? 0;
    const after = summary.afterDrift.accuracy ?? 1;
    const adapted = summary.afterAdaptation.accuracy ?? 0;
    expect(before).toBeGreaterThan(0.9);
    expect(after).toBeLessThan(before - 0.05);
    expect(adapted).toBeGreaterThan(after);
    expect(summary.afterReboot.accuracy).toBeGreaterThan(after);
    expect(summary.adapterBytes).toBeLessThanOrEqual(4096);
  });

  it('counts in the summary what the events say', () => {
    const windows = events.filter((event): event is WindowEvent => event.event === 'window');
    const known = windows.filter(({ phase }) => phase === 'known');
    expect(summary.beforeDrift).toEqual({
      windows: known.length,
      right: known.filter(({ said, heard }) => said === heard).length,
      accuracy: known.filter(({ right }) => right).length / known.length,
    });
    const adapted = windows.filter((window) => window.phase === 'adapted' && !window.enrolling);
    expect(summary.afterAdaptation.windows).toBe(adapted.length);
    expect(summary.beforeReboot.windows + summary.afterReboot.windows).toBe(adapted.length);
    const steps = events
      .filter((event) => event.event === 'burst' && event.state === 'end')
      .reduce((sum, event) => sum + (event.event === 'burst' ? event.step : 0), 0);
    expect(summary.steps).toBe(steps);
  });

  it('says what a window, a burst and a day take, and how long a battery lasts', () => {
    const { power } = summary;
    const joules = power.burst?.joules ?? 0;
    expect(joules).toBeCloseTo(summary.trainingEnergy / 1000, 9);
    const { capture, features, inference, total } = power.window;
    expect(capture + features + inference).toBeCloseTo(total, 12);
    expect(features).toBeGreaterThan(0);
    expect(inference).toBeGreaterThan(0);
    const { day } = power;
    expect(day.duty).toEqual({ listeningHours: 24, windows: 960, bursts: 1 });
    expect(day.windows).toBeCloseTo(960 * (features + inference), 9);
    expect(day.bursts).toBeCloseTo(joules, 9);
    expect(power.batteryDays).toBeGreaterThan(1);
  });

  it('draws what happened', () => {
    const svg = readFileSync(plot(), 'utf8');
    expect(svg).toMatch(/^<svg /);
    for (const mark of ['drift', 'enrol', 'burst', 'saved', 'reboot']) {
      expect(svg).toContain(`>${mark}</text>`);
    }
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('is the same story again with the same seed, and another with another', async () => {
    const again: StoryEvent[] = [];
    const onEvent = (event: StoryEvent): void => void again.push(event);
    const lines: string[] = [];
    const print = (text: string): void => void lines.push(text);
    await runStory({ headless: true, seed: 4, plot: plot(), onEvent, print });
    expect(lines.join()).toContain('new speaker child, after adapting');
    expect(JSON.stringify(again)).toBe(JSON.stringify(events));
    const other: StoryEvent[] = [];
    const firstWindows = (event: StoryEvent): void => {
      other.push(event);
      if (other.length === 20) throw new Error('enough');
    };
    const options = { headless: true, seed: 5, plot: plot(), onEvent: firstWindows };
    await expect(runStory(options)).rejects.toThrow('enough');
    expect(JSON.stringify(other)).not.toBe(JSON.stringify(events.slice(0, 20)));
  });
});

describe('what the story refuses', () => {
  it('a speaker that is not there', async () => {
    await expect(runStory({ headless: true, new: 'nobody' })).rejects.toThrow(
      /no speaker 'nobody'; choose from child, flite-awb, flite-rms/,
    );
  });

  it('the same speaker twice', async () => {
    await expect(runStory({ headless: true, new: 'child', known: 'child' })).rejects.toThrow(
      /--known and --new are both child/,
    );
  });

  it('a folder with one speaker', async () => {
    const data = join(folder, 'one');
    mkdirSync(data);
    writeFileSync(join(data, 'ann.s16'), '');
    const message = /needs two speakers, here is ann; add/;
    await expect(runStory({ headless: true, data })).rejects.toThrow(message);
    await expect(runStory({ headless: true, data, known: 'ann' })).rejects.toThrow(message);
  });

  it('an empty folder', async () => {
    await expect(
      runStory({ headless: true, data: mkdtempSync(join(folder, 'empty-')) }),
    ).rejects.toThrow(/no recordings/);
  });

  it('a script that does not compile, with file, line and column', async () => {
    const app = join(projectRoot, 'test/sim/programs/broken.ts');
    await expect(runStory({ headless: true, app })).rejects.toThrow(
      /broken\.ts\(4,10\): error TS2339: Property 'snooze'/,
    );
  });

  it('a script that panics, with its last lines', async () => {
    const app = join(projectRoot, 'test/sim/programs/panic.ts');
    await expect(runStory({ headless: true, app, plot: join(folder, 'x.svg') })).rejects.toThrow(
      /panic 60\d\d\d[\s\S]*about to fail/,
    );
    expect(existsSync(join(folder, 'x.svg'))).toBe(false);
  });
});
