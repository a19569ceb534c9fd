import { describe, expect, it } from 'vitest';
import { Bench, tone } from './bench.ts';

/** Runs a program to its last line and returns what it logged after its start. */
async function transcript(bench: Bench): Promise<string[]> {
  await bench.until(/^finished/);
  const begin = bench.lines.findIndex((line) => line.startsWith('start:'));
  return bench.lines.slice(begin + 1);
}

describe('learner on the official VM', () => {
  it('passes every register, command, report and event through', async () => {
    const bench = new Bench();
    await bench.start('learner.ts', false);
    const lines = await transcript(bench);
    const of = (word: string): string[] => lines.filter((line) => line.startsWith(`${word} `));

    expect(lines.slice(0, 9)).toEqual([
      'modelName fake',
      'modelHash 3735928559',
      'modelSize 40000',
      'inputSize 4',
      'classes 3',
      'features digits',
      'capacity 3',
      'slots 8',
      'newestSlot 255',
    ]);
    const defaults = ['true 2 8', '0.25 0.5', '4 1.5 40', '1 20000'];
    expect(of('defaults')).toEqual(defaults.map((values) => `defaults ${values}`));
    const written = ['true 3 4', '0.125 0.75', '7 3.25 321', '123456789 10000'];
    expect(of('written')).toEqual(written.map((values) => `written ${values}`));

    // none yet; label 1; window 1 held out; an unknown window; an unknown label; full
    expect(of('remember')).toEqual([
      'remember [1,0,0]',
      'remember [0,1,0]',
      'remember [0,1,1]',
      'remember [1,1,1]',
      'remember [4,1,1]',
      'remember [0,2,1]',
      'remember [3,2,1]',
    ]);
    expect(of('train')).toEqual(['train 5', 'train 0']);
    // no windows; while training; after training, restored, loaded, reset
    expect(of('check')).toEqual([
      'check [5,0,0,0,0,0]',
      'check [0,1,0,1,1.5,0.5]',
      'check [0,1,0,0,1.5,1.5]',
      'check [0,1,1,1,0.5,0.5]',
      'check [0,1,0,0,1.5,1.5]',
    ]);
    expect(of('restore')).toEqual(['restore 10', 'restore 0', 'restore 10']);
    expect(of('save')).toEqual(['save [2,0]', 'save [0,2]', 'save [7,0]']);
    expect(of('load')).toEqual(['load [6,0]', 'load [7,0]', 'load [0,2]']);
    expect(of('className')).toEqual(['className [2,"two"]', 'className [3,""]']);
    expect(of('reset').concat(of('forget'), of('stop'))).toEqual(['reset 0', 'forget 0', 'stop 0']);
    expect(of('loss')).toEqual(['loss 1']);
    expect(of('energy')).toEqual(['energy true true']);
    expect(of('empty')[0]).toMatch(/arena 50000 adapter 40 train 0 heldOut 0 training false/);
    expect(of('labelled')[0]).toMatch(/train 2 heldOut 1 training false/);
    expect(of('forgotten')[0]).toMatch(/train 0 heldOut 0 training false/);

    const window = /\[\d,2,0\.75,2\.5,0\.125,1\.5\]$/;
    expect(of('infer')[0]).toMatch(window);
    expect(of('lastPrediction')[0]).toMatch(window);
    const predictions = lines.filter((line) => line.startsWith('event prediction'));
    expect(predictions.length).toBeGreaterThanOrEqual(3);
    for (const line of predictions) expect(line).toMatch(window);
    const progress = lines.filter((line) => line.startsWith('event progress'));
    expect(progress.length).toBe(19);
    expect(progress[0]).toMatch(/\[20,400,1\.949\d+,0\.0079\d+\]/);
    // 200 slices of 10 ms at 24 mA and 3.3 V
    expect(lines.find((line) => line.startsWith('event done'))).toMatch(/\[0,400,1,0\.158\d+\]/);
  });

  it('goes on predicting while it trains, and sees every window once', async () => {
    const bench = new Bench();
    await bench.start('learner.ts', false);
    const lines = await transcript(bench);
    const numbers = lines
      .filter((line) => line.startsWith('event prediction'))
      .map((line) => Number(/\[(\d+)/.exec(line)?.[1]));
    expect(numbers).toEqual(numbers.map((_, i) => i + 1));
    const from = lines.indexOf('train 0');
    const to = lines.findIndex((line) => line.startsWith('event done'));
    const during = lines.slice(from, to).filter((line) => line.startsWith('event prediction'));
    expect(during.length).toBeGreaterThan(0);
  });

  it('is the same run every time', async () => {
    const runs = [new Bench(), new Bench()];
    for (const bench of runs) await bench.start('learner.ts', false);
    const [first, second] = [
      await transcript(runs[0] as Bench),
      await transcript(runs[1] as Bench),
    ];
    expect(first).toEqual(second);
    expect(runs[0]?.clock.now).toBe(runs[1]?.clock.now);
  });

  it('keeps adapters and the program over a reboot', async () => {
    const bench = new Bench();
    await bench.start('learner.ts', false);
    await bench.until(/^finished/);
    expect(bench.flash.slots.get(1)?.[0]?.blob.length).toBe(2);
    bench.lines.length = 0;
    await bench.reboot(false);
    await bench.until(/^load /);
    expect(bench.lines).toContain('load [8,0]'); // saved with rank 4 here, rank 8 after boot
    expect(bench.lines).toContain('newestSlot 1');
    expect(bench.lines).toContain('modelName fake');
  });
});

describe('capture, button, LED and battery on the official VM', () => {
  it('passes every register and event through', async () => {
    const bench = new Bench();
    await bench.start('capture.ts');
    await bench.until(/^running/);
    const now = bench.clock.now;
    const word = { speaker: 'ann', label: 'one', take: 0 };
    bench.microphone.play({ ...word, at: now + 500, pcm: tone() });
    bench.microphone.play({ ...word, at: now + 2500, pcm: tone(8000, 200) }); // a click
    bench.clock.group().setTimeout(() => bench.board.press(1200), 4000);
    bench.clock.group().setTimeout(() => bench.board.press(200), 7000);
    expect(await transcript(bench)).toEqual([
      'defaults true -96 -128 0 8000 8000 8000',
      'written false -45.49609 0 8000 4000',
      'power true 3700 true',
      'stopped',
      'running',
      'event loud',
      'event quiet',
      'event window [1,-18.26953,-12.24609,0,500]',
      'event loud',
      'event quiet',
      'button down',
      'button hold true',
      'button hold true',
      'button up 1200',
      'button down',
      'button up 200',
      'counts 1 1 0 -18.26953',
      'finished',
    ]);
    expect(bench.brightness).toEqual([0.5]);
  });

  it('centres a sound in its window', async () => {
    const bench = new Bench();
    let seen: Int16Array | undefined;
    await bench.start('capture.ts');
    const { learner } = bench.board;
    const deliver = learner.deliver.bind(learner);
    learner.deliver = (window) => {
      seen = window.pcm;
      return deliver(window);
    };
    await bench.until(/^running/);
    bench.microphone.play({
      speaker: 'ann',
      label: 'one',
      take: 0,
      at: bench.clock.now + 503,
      pcm: tone(),
    });
    await bench.until(/^event window/);
    const first = seen?.findIndex((sample) => sample !== 0) ?? 0;
    const last = seen?.findLastIndex((sample) => sample !== 0) ?? 0;
    expect(seen?.length).toBe(8000);
    expect(last - first).toBeGreaterThan(3990);
    // blocks of 20 ms: off the centre by one block at most
    expect(Math.abs((first + last) / 2 - 4000)).toBeLessThanOrEqual(160);
  });

  it('loses no window and reports an overrun when the learner is still busy', async () => {
    const bench = new Bench();
    await bench.start('overrun.ts');
    await bench.until(/^event overrun/);
    expect(bench.lines.find((line) => line.startsWith('event overrun'))).toBe('event overrun 1');
  });
});
