import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import wavefile from 'wavefile';
import { RetuneError } from '../../cli/error.ts';
import { checkSpeakers, listSpeakers, loadRecordings } from '../../sim/recordings.ts';

const HEADER = 'label,take,offset_samples,length_samples';
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'retune-recordings-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function put(name: string, content: string | Uint8Array): void {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

function samples(values: number[]): Uint8Array {
  return new Uint8Array(Int16Array.from(values).buffer);
}

function wav(rate: number, values: number[], depth = '16', channels = 1): Uint8Array {
  const file = new wavefile.WaveFile();
  const interleaved = channels === 1 ? values : Array.from({ length: channels }, () => values);
  file.fromScratch(channels, rate, depth, interleaved as number[]);
  return file.toBuffer();
}

/** Loads and returns the message of the RetuneError that must come. */
function failure(rate = 8000): string {
  try {
    loadRecordings(folder, rate);
  } catch (error) {
    expect(error).toBeInstanceOf(RetuneError);
    return (error as RetuneError).message;
  }
  throw new Error('no error was thrown');
}

describe('samples with an index', () => {
  it('cuts the clips out and sorts by speaker, label and take', () => {
    put('bob.s16', samples([1, -2, 3, 4, 5]));
    put('bob.csv', `${HEADER}\nyes,1,2,3\nyes,0,0,2\n`);
    put('ann.s16', samples([32767, -32768]));
    put('ann.csv', `${HEADER},fold\r\nno,7,0,2,1\r\n`);
    put('speakers.csv', 'name,gender\nbob,m\n');
    expect(loadRecordings(folder, 8000)).toEqual([
      { speaker: 'ann', label: 'no', take: 7, pcm: Int16Array.of(32767, -32768) },
      { speaker: 'bob', label: 'yes', take: 0, pcm: Int16Array.of(1, -2) },
      { speaker: 'bob', label: 'yes', take: 1, pcm: Int16Array.of(3, 4, 5) },
    ]);
  });

  it.each([
    ['a take that is no number', 'yes,one,0,2', /bob\.csv: line 3: take is 'one'/],
    ['a negative offset', 'yes,1,-1,2', /bob\.csv: line 3: offset_samples is '-1'/],
    ['a fraction', 'yes,1,0,1.5', /bob\.csv: line 3: length_samples is '1\.5'/],
    ['a missing cell', 'yes,1,0', /bob\.csv: line 3 has 3 cells, the first line 4/],
    ['an empty label', ',1,0,2', /bob\.csv: line 3: the label is empty/],
    ['an empty clip', 'yes,1,0,0', /bob\.csv: line 3: the clip is empty/],
    [
      'a clip beyond the end',
      'yes,1,2,2',
      /bob\.csv: line 3: the clip ends at sample 4, .* holds 3/,
    ],
    ['a broken quotation', '"yes,1,0,2', /bob\.csv: .*quot/i],
  ])('refuses %s, naming file and line', (_, row, message) => {
    put('bob.s16', samples([1, 2, 3]));
    put('bob.csv', `${HEADER}\nyes,0,0,1\n${row}\n`);
    expect(failure()).toMatch(message);
  });

  it('refuses an index without the columns', () => {
    put('bob.s16', samples([1]));
    put('bob.csv', 'label,offset_samples\nyes,0\n');
    expect(failure()).toMatch(/bob\.csv: line 1 lacks the column take, length_samples/);
  });

  it('refuses an empty index', () => {
    put('bob.s16', samples([1]));
    put('bob.csv', '');
    expect(failure()).toMatch(/bob\.csv: empty/);
  });

  it('refuses samples without an index and an index without samples', () => {
    put('bob.s16', samples([1]));
    expect(failure()).toMatch(/bob\.s16: there is no bob\.csv/);
    rmSync(join(folder, 'bob.s16'));
    put('bob.csv', `${HEADER}\nyes,0,0,1\n`);
    expect(failure()).toMatch(/bob\.csv: there is no bob\.s16/);
  });

  it('refuses half a sample', () => {
    put('bob.s16', Uint8Array.of(1, 2, 3));
    put('bob.csv', `${HEADER}\nyes,0,0,1\n`);
    expect(failure()).toMatch(/bob\.s16: 3 bytes/);
  });
});

describe('WAV files', () => {
  it('takes the label from the folder, speaker and take from the name', () => {
    put('yes/ann_nohash_3.wav', wav(8000, [1, -2]));
    put('yes/bob-12.WAV', wav(8000, [5]));
    put('no/ann_0.wav', wav(8000, [7]));
    expect(loadRecordings(folder, 8000)).toEqual([
      { speaker: 'ann', label: 'no', take: 0, pcm: Int16Array.of(7) },
      { speaker: 'ann', label: 'yes', take: 3, pcm: Int16Array.of(1, -2) },
      { speaker: 'bob', label: 'yes', take: 12, pcm: Int16Array.of(5) },
    ]);
  });

  it('takes folders of folders as speaker and label, and numbers what the names do not', () => {
    put('ann/yes/first.wav', wav(8000, [1]));
    put('ann/yes/second.wav', wav(8000, [2]));
    expect(loadRecordings(folder, 8000)).toEqual([
      { speaker: 'ann', label: 'yes', take: 0, pcm: Int16Array.of(1) },
      { speaker: 'ann', label: 'yes', take: 1, pcm: Int16Array.of(2) },
    ]);
  });

  it('converts other bit depths', () => {
    put('yes/ann_0.wav', wav(8000, [0.5, -0.5], '32f'));
    put('yes/ann_1.wav', wav(8000, [0x123456], '24'));
    const [float, deep] = loadRecordings(folder, 8000);
    expect(Math.abs((float?.pcm[0] ?? 0) - 16384)).toBeLessThanOrEqual(1);
    expect(Math.abs((deep?.pcm[0] ?? 0) - 0x1234)).toBeLessThanOrEqual(1);
  });

  it('refuses another rate and says how to convert', () => {
    put('yes/ann_0.wav', wav(16000, [1, 2]));
    expect(failure()).toMatch(/ann_0\.wav: is at 16000 Hz, the model hears 8000 Hz; .*-r 8000/);
  });

  it('refuses stereo, an empty file and a file that is none', () => {
    put('yes/ann_0.wav', wav(8000, [1, 2], '16', 2));
    expect(failure()).toMatch(/ann_0\.wav: has 2 channels/);
    put('yes/ann_0.wav', wav(8000, []));
    expect(failure()).toMatch(/ann_0\.wav: holds no samples/);
    put('yes/ann_0.wav', 'RIFF but not really');
    expect(failure()).toMatch(/ann_0\.wav: not a WAV file/);
  });

  it('refuses a truncated header', () => {
    put('yes/ann_0.wav', wav(8000, [1, 2, 3]).slice(0, 30));
    expect(failure()).toMatch(/ann_0\.wav: /);
  });
});

describe('folders', () => {
  it('lists speakers without reading samples', () => {
    put('bob.s16', Uint8Array.of(1));
    put('_silence_.s16', Uint8Array.of(1));
    put('yes/ann_0.wav', 'no WAV at all');
    expect(listSpeakers(folder)).toEqual(['ann', 'bob']);
    rmSync(join(folder, 'bob.s16'));
    rmSync(join(folder, '_silence_.s16'));
    rmSync(join(folder, 'yes'), { recursive: true });
    expect(() => listSpeakers(folder)).toThrow(/no recordings/);
  });

  it('names a speaker who is not there, and who is', () => {
    checkSpeakers('clips', ['bob'], ['ann', 'bob']);
    expect(() => checkSpeakers('clips', ['bob', 'cy'], ['ann', 'bob'])).toThrow(
      "clips: no speaker 'cy'; choose from ann, bob",
    );
  });

  it('refuses one that is empty, missing or a file', () => {
    expect(failure()).toMatch(/no recordings/);
    put('file', 'x');
    expect(() => loadRecordings(join(folder, 'none'), 8000)).toThrow(/no such folder/);
    expect(() => loadRecordings(join(folder, 'file'), 8000)).toThrow(/no such folder/);
  });
});
