import { describe, expect, it } from 'vitest';
import { levelOf, type Window } from '../../sim/capture.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { Microphone, type Utterance } from '../../sim/microphone.ts';
import { Battery, joulesOf, loadBoard, Processor } from '../../sim/processor.ts';
import { Random } from '../../sim/random.ts';
import type { Recording } from '../../sim/recordings.ts';
import { Speaker } from '../../sim/speaker.ts';
import { User } from '../../sim/user.ts';
import { speedUp } from '../../sim/voices.ts';

const pcm = (...samples: number[]): Int16Array => Int16Array.from(samples);

describe('microphone', () => {
  const word = { speaker: 'ann', label: 'yes', take: 0 };

  it('plays words from the next block on and is silent between them', () => {
    const microphone = new Microphone(1000);
    microphone.play({ ...word, at: 3, pcm: pcm(16, 32, 48) });
    expect([...microphone.read(17, 25)]).toEqual([0, 0, 0, 16, 32, 48, 0, 0]);
    expect([...microphone.read(21, 22)]).toEqual([32]);
    expect(microphone.busyUntil).toBe(23);
    expect([microphone.blockAt(19), microphone.blockAt(20), microphone.blockAt(45)]).toEqual([
      0, 20, 40,
    ]);
  });

  it('hears what a converter of 12 bits tells', () => {
    const microphone = new Microphone(1000);
    microphone.play({ ...word, at: 0, pcm: pcm(7, 8, -8, -9, 32767, -32768) });
    expect([...microphone.read(0, 6)]).toEqual([0, 16, 0, -16, 32752, -32768]);
  });

  it('adds words that overlap, and saturates', () => {
    const microphone = new Microphone(1000);
    microphone.play({ ...word, at: 0, pcm: pcm(30000, -30000) });
    microphone.play({ ...word, at: 0, pcm: pcm(30000, -30000) });
    expect([...microphone.read(0, 2)]).toEqual([32752, -32768]);
  });

  it('knows which word fills most of a window', () => {
    const microphone = new Microphone(1000);
    microphone.play({ ...word, at: 0, pcm: new Int16Array(20) });
    microphone.play({ ...word, label: 'no', at: 20, pcm: new Int16Array(20) });
    expect(microphone.heardIn(5, 30)?.label).toBe('yes');
    expect(microphone.heardIn(15, 40)?.label).toBe('no');
    expect(microphone.heardIn(40, 45)).toBeUndefined();
    microphone.forgetBefore(25);
    expect(microphone.heardIn(0, 40)?.label).toBe('no');
  });

  it('measures levels in dB below full scale', () => {
    expect(levelOf(pcm(0, 0))).toBe(-96);
    expect(levelOf(pcm(-32768, -32768))).toBeCloseTo(0, 6);
    expect(levelOf(pcm(3277, -3277))).toBeCloseTo(-20, 2);
    expect(levelOf(pcm(1, 0, 0, 0, 0, 0, 0, 0))).toBe(-96);
  });
});

describe('processor', () => {
  it('takes the time that cycles take, one job after another, urgent ones first', () => {
    const clock = new VirtualClock();
    const processor = new Processor(clock.group(), 1_000_000);
    const seen: string[] = [];
    const job = (name: string, cycles: number): { start: () => number; finish: () => void } => ({
      start: () => {
        seen.push(`${name} starts ${clock.now}`);
        return cycles;
      },
      finish: () => void seen.push(`${name} ends ${clock.now}`),
    });
    processor.run(job('a', 5000), 'background');
    processor.run(job('b', 1000), 'background');
    processor.run(job('c', 2000), 'urgent');
    clock.advance(100);
    expect(seen).toEqual([
      'a starts 0',
      'a ends 5',
      'c starts 5',
      'c ends 7',
      'b starts 7',
      'b ends 8',
    ]);
    expect(processor.cycles).toBe(8000);
    expect(processor.isBusy).toBe(false);
  });

  it('charges the battery for computing, listening and sleeping', () => {
    const board = loadBoard();
    const { clockHz, power } = board.retune;
    const battery = new Battery(board, 1);
    const hour = 3600 * 1000;
    // Behind the regulator, where the currents are given.
    const milliwatts = (): number =>
      (1 - battery.charge) * battery.capacity * power.regulatorEfficiency;
    battery.account(hour, 0, false);
    expect(milliwatts()).toBeCloseTo(power.sleepMilliamps * power.supplyVolts, 6);
    battery.account(2 * hour, 0, true);
    const both = power.sleepMilliamps + power.listeningMilliamps;
    expect(milliwatts()).toBeCloseTo(both * power.supplyVolts, 6);
    battery.account(3 * hour, 3600 * clockHz, true);
    expect(milliwatts()).toBeCloseTo((both + power.activeMilliamps) * power.supplyVolts, 6);
    expect(joulesOf(clockHz, board)).toBeCloseTo(
      (power.activeMilliamps / 1000) * power.supplyVolts,
    );
  });

  it('is never charged below empty', () => {
    const battery = new Battery(loadBoard(), 0.0001);
    battery.account(1000 * 3600 * 1000, 0, true);
    expect(battery.charge).toBe(0);
  });

  it('refuses a board that is not there', () => {
    expect(() => loadBoard('toaster')).toThrow(/toaster\.board\.json: no such file/);
  });
});

function takes(speaker: string, label: string, count: number): Recording[] {
  return Array.from({ length: count }, (_, take) => ({ speaker, label, take, pcm: pcm(take) }));
}

describe('speaker', () => {
  const recordings = [
    ...takes('ann', 'yes', 12),
    ...takes('ann', 'no', 3),
    ...takes('bob', 'yes', 4),
  ];
  const create = (name: string, words: string[]): Speaker =>
    new Speaker(name, recordings, words, new Random(1));

  it('never says in ordinary use what was said on request', () => {
    const ann = create('ann', ['yes', 'no']);
    const asked = new Set(Array.from({ length: 20 }, () => ann.askedWord('yes')?.take));
    expect([...asked].sort()).toEqual([0, 1, 2, 3, 4]);
    const ordinary = Array.from({ length: 40 }, () => ann.anyWord());
    for (const { label, take } of ordinary) {
      expect(take).toBeGreaterThanOrEqual(label === 'yes' ? 5 : 1);
    }
    expect(ordinary.filter(({ label }) => label === 'no').length).toBe(20);
  });

  it('says nothing when asked for a word that is not on record', () => {
    expect(create('ann', ['yes', 'no', 'stop']).askedWord('stop')).toBeUndefined();
  });

  it('is refused with too few words or takes', () => {
    expect(() => create('bob', ['yes', 'no'])).toThrow(/bob says fewer than two words/);
    const once = [...recordings, ...takes('cy', 'yes', 1), ...takes('cy', 'no', 4)];
    const words = ['yes', 'no'];
    expect(() => new Speaker('cy', once, words, new Random(1))).toThrow(/says 'yes' only once/);
  });
});

describe('user', () => {
  function stage(): { clock: VirtualClock; user: User; presses: string[]; said: Utterance[] } {
    const clock = new VirtualClock();
    const microphone = new Microphone(1000);
    const said: Utterance[] = [];
    const play = microphone.play.bind(microphone);
    microphone.play = (utterance) => {
      said.push(utterance);
      play(utterance);
    };
    const recordings = [...takes('ann', 'yes', 8), ...takes('ann', 'no', 8)];
    const ann = new Speaker('ann', recordings, ['yes', 'no'], new Random(1));
    const presses: string[] = [];
    const press = (duration: number): void => void presses.push(duration < 500 ? 'yes' : 'wrong');
    const user = new User(clock.group(), microphone, new Random(2), press, ann);
    return { clock, user, presses, said };
  }

  const heard = (truth: Utterance | undefined): Window => ({
    number: 1,
    pcm: pcm(0),
    level: -20,
    truth,
  });

  it('talks, and holds the button when it was misunderstood', () => {
    const { clock, user, presses, said } = stage();
    user.start();
    clock.advance(20_000);
    expect(said.length).toBeGreaterThan(10);
    user.onPrediction(said[0]?.label ?? '', heard(said[0]));
    clock.advance(21_000);
    expect(presses).toEqual([]);
    user.onPrediction('something else', heard(said[1]));
    clock.advance(22_000);
    expect(presses).toEqual(['wrong']);
    user.onPrediction('something else', heard(undefined));
    clock.advance(23_000);
    expect(presses).toEqual(['wrong']);
  });

  it('says what is asked and nothing else, and says yes whatever was understood', () => {
    const { clock, user, presses, said } = stage();
    user.start();
    clock.advance(1500);
    const before = said.length;
    user.onAsk('no');
    clock.advance(clock.now + 3000);
    expect(said.slice(before).map(({ label }) => label)).toEqual(['no']);
    const answer = said.at(-1);
    expect(user.isEnrolling(answer)).toBe(true);
    user.onPrediction('yes', heard(answer));
    clock.advance(clock.now + 400);
    expect(presses).toEqual(['yes']);
    clock.advance(clock.now + 6000);
    expect(said.length).toBeGreaterThan(before + 1); // back in ordinary use
    expect(user.isEnrolling(said.at(-1))).toBe(false);
  });
});

describe('speeding a voice up', () => {
  it('shortens it and raises its pitch', () => {
    const tone = Int16Array.from(
      { length: 4000 },
      (_, n) => 8000 * Math.sin((2 * Math.PI * n) / 40),
    );
    const fast = speedUp(tone, 1.6);
    expect(fast.length).toBe(2500);
    const crossings = (x: Int16Array): number =>
      x.reduce((count, v, i) => count + (i > 0 && v >= 0 && (x[i - 1] as number) < 0 ? 1 : 0), 0);
    expect(Math.abs(crossings(fast) - crossings(tone))).toBeLessThanOrEqual(1);
  });

  it('removes what would alias', () => {
    // 0.9 of Nyquist would come out at 1.44 of it, that is folded to 0.56
    const high = Int16Array.from({ length: 4000 }, (_, n) => 8000 * Math.sin(0.9 * Math.PI * n));
    const loudest = speedUp(high, 1.6)
      .slice(100, -100)
      .reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    expect(loudest).toBeLessThan(400);
  });
});
