import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { StoryEvent, WindowEvent } from '../../sim/events.ts';
import { plotStory } from '../../sim/plot.ts';
import { LiveView } from '../../sim/view.ts';

function window(index: number, changes: Partial<WindowEvent> = {}): WindowEvent {
  return {
    event: 'window',
    t: index,
    index,
    phase: 'known',
    speaker: 'ann',
    said: 'yes',
    heard: 'yes',
    right: true,
    enrolling: false,
    training: false,
    confidence: 0.9,
    margin: 3,
    statistic: 0.5,
    limit: 1,
    ...changes,
  };
}

const BURST: StoryEvent = {
  event: 'burst',
  t: 9,
  state: 'progress',
  step: 150,
  steps: 300,
  loss: 0.25,
  energy: 12.5,
};

/** What the view shows in the end. */
function show(act: (view: LiveView) => void): string {
  const stream = Object.assign(new PassThrough(), { columns: 200, rows: 60, isTTY: true });
  const chunks: string[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk.toString()));
  const status = { time: 75, energy: 1234, charge: 0.5, brightness: 1 };
  const view = new LiveView('title', () => status, stream as unknown as NodeJS.WriteStream);
  act(view);
  view.refresh(true);
  return stripVTControlCharacters(chunks.join(''));
}

describe('live view', () => {
  it('shows time, battery, speaker, word, accuracy and drift statistic', () => {
    const text = show((view) => {
      view.onEvent(window(1));
      view.onEvent(window(2, { said: 'no', right: false, statistic: 0.75 }));
      view.refresh(true);
    });
    expect(text).toContain('1:15   battery 50.0 %   energy 1234 mJ   LED ●');
    expect(text).toContain('ann (known)');
    expect(text).toMatch(/yes +90 % +✗ it was no/);
    expect(text).toContain('50 % of the last 2  ✓✗');
    expect(text).toContain('0.75 of 1');
  });

  it('shows the progress of training and what was decided', () => {
    const text = show((view) => {
      view.onEvent(BURST);
      view.onEvent({ event: 'saved', t: 10, slot: 1, bytes: 3958 });
      view.tell('sleeps longer');
      view.onAsk('seven');
      view.refresh(true);
    });
    expect(text).toMatch(/█{15}░{15} 150\/300 steps {3}loss 0\.250 {3}12\.5 mJ/);
    expect(text).toContain('saved 3958 bytes to slot 1');
    expect(text).toContain('sleeps longer');
    expect(text).toContain('please say seven');
  });
});

describe('plot', () => {
  it('is a picture of nothing when nothing happened', () => {
    const svg = plotStory([], 'empty');
    expect(svg).toContain('>empty</text>');
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('averages accuracy within a phase and leaves gaps open', () => {
    const events = [
      window(1, { right: false }),
      window(2),
      window(10, { phase: 'new', speaker: 'a<b' }),
      window(11, { phase: 'new', right: false }),
    ];
    const svg = plotStory(events, 'gaps');
    const blue = [...svg.matchAll(/<polyline points="([^"]*)"[^>]*#1769aa/g)].map(
      (m) => m[1] ?? '',
    );
    const heights = blue.map((points) =>
      points.split(' ').map((point) => Number(point.split(',')[1])),
    );
    // 0 %, then 1 of 2; another phase: 100 %, then 1 of 2
    expect(heights).toEqual([
      [370, 215],
      [60, 215],
    ]);
    expect(svg).toContain('new: a&lt;b');
  });

  it('marks the slices of one training once', () => {
    const begin: StoryEvent = { ...BURST, event: 'burst', state: 'begin' } as StoryEvent;
    const svg = plotStory([window(1), begin, begin, window(2), begin], 'bursts');
    expect(svg.match(/>burst<\/text>/g)?.length).toBe(2);
  });
});
