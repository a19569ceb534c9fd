import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CsvError, parse } from 'csv-parse/sync';
import wavefile from 'wavefile';
import { RetuneError } from '../cli/error.ts';

/** One clip: a word said once by somebody. */
export interface Recording {
  speaker: string;
  label: string;
  /** Running number of this word by this speaker. */
  take: number;
  /** Mono, at the rate asked for. */
  pcm: Int16Array;
}

const INDEX_COLUMNS = ['label', 'take', 'offset_samples', 'length_samples'] as const;

/** A row of the index beside a .s16 file; further columns are ignored. */
interface IndexRow {
  label: string;
  take: number;
  offset: number;
  length: number;
}

/**
 * Reads a folder of recordings, in one of two forms:
 *
 * - `NAME.s16` (raw signed 16-bit little-endian mono) with `NAME.csv` (label, take, offset_samples,
 *   length_samples), one pair a speaker. These carry no rate and are taken to be at `rate`.
 * - WAV files in folders by label, `LABEL/SPEAKER_…_TAKE.wav`, or by speaker and label,
 *   `SPEAKER/LABEL/….wav`. They must be mono and at `rate`.
 *
 * @param rate samples a second that the model asks for
 * @returns clips sorted by speaker, label and take
 */
export function loadRecordings(folder: string, rate: number): Recording[] {
  checkFolder(folder);
  const wavs = listWavTree(folder).map(({ path, ...clip }) => ({
    ...clip,
    pcm: readWav(path, rate),
  }));
  const recordings = [...readIndexed(folder), ...wavs];
  if (recordings.length === 0) throw emptyFolder(folder);
  return recordings.sort(
    (a, b) => compare(a.speaker, b.speaker) || compare(a.label, b.label) || a.take - b.take,
  );
}

/**
 * Names of the speakers in a folder, sorted; reads no samples, so the rate does not matter. A name
 * that begins with `_` stands for noise (`_silence_`), which is nobody.
 */
export function listSpeakers(folder: string): string[] {
  checkFolder(folder);
  const indexed = readdirSync(folder).filter((file) => file.endsWith('.s16'));
  const names = new Set(indexed.map((file) => basename(file, '.s16')));
  for (const { speaker } of listWavTree(folder)) names.add(speaker);
  if (names.size === 0) throw emptyFolder(folder);
  return [...names].filter((name) => !name.startsWith('_')).sort(compare);
}

/** Throws unless every one of `wanted` is among the speakers of the folder. */
export function checkSpeakers(folder: string, wanted: string[], speakers: string[]): void {
  const missing = wanted.find((name) => !speakers.includes(name));
  if (missing === undefined) return;
  throw new RetuneError(
    `${folder}: no speaker '${missing}'; choose from ${speakers.join(', ') || 'other recordings'}`,
  );
}

function checkFolder(folder: string): void {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    throw new RetuneError(`${folder}: no such folder; give a folder of recordings`);
  }
}

function emptyFolder(folder: string): RetuneError {
  return new RetuneError(
    `${folder}: no recordings; put NAME.s16 + NAME.csv there, or WAV files in folders by label`,
  );
}

/** Independent of the locale, so that the order is the same everywhere. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function readIndexed(folder: string): Recording[] {
  const recordings: Recording[] = [];
  for (const file of readdirSync(folder).sort()) {
    const path = join(folder, file);
    if (file.endsWith('.s16')) recordings.push(...readPair(path, withSuffix(path, '.csv')));
    else if (isOrphanIndex(path)) {
      throw new RetuneError(
        `${path}: there is no ${basename(withSuffix(path, '.s16'))} beside it; add the samples or remove the index`,
      );
    }
  }
  return recordings;
}

function withSuffix(path: string, suffix: string): string {
  return path.replace(/\.[^.]*$/, suffix);
}

/** Other tables (a list of speakers, say) may lie in the folder; an index shows by its header. */
function isOrphanIndex(path: string): boolean {
  if (!path.endsWith('.csv') || existsSync(withSuffix(path, '.s16'))) return false;
  const header = readFileSync(path, 'utf8').split(/\r?\n/, 1)[0] ?? '';
  return INDEX_COLUMNS.every((column) => header.split(',').includes(column));
}

function readPair(samplesPath: string, indexPath: string): Recording[] {
  if (!existsSync(indexPath)) {
    throw new RetuneError(
      `${samplesPath}: there is no ${basename(indexPath)} beside it; an index with ` +
        `${INDEX_COLUMNS.join(',')} says where each clip begins`,
    );
  }
  const bytes = readFileSync(samplesPath);
  if (bytes.length % 2 !== 0) {
    throw new RetuneError(
      `${samplesPath}: ${bytes.length} bytes are no whole number of 16-bit samples; the file was cut`,
    );
  }
  const samples = new Int16Array(bytes.length / 2);
  for (let i = 0; i < samples.length; i++) samples[i] = bytes.readInt16LE(2 * i);
  const speaker = basename(samplesPath, '.s16');
  return readIndex(indexPath, samples.length).map(({ label, take, offset, length }) => ({
    speaker,
    label,
    take,
    pcm: samples.slice(offset, offset + length),
  }));
}

function readIndex(path: string, samples: number): IndexRow[] {
  const rows = parseCsv(path);
  const header = rows.shift();
  if (header === undefined) {
    throw new RetuneError(`${path}: empty; its first line must be ${INDEX_COLUMNS.join(',')}`);
  }
  const columns = INDEX_COLUMNS.map((column) => header.cells.indexOf(column));
  const missing = INDEX_COLUMNS.filter((_, i) => columns[i] === -1);
  if (missing.length > 0) {
    throw new RetuneError(
      `${path}: line 1 lacks the column ${missing.join(', ')}; it must name ${INDEX_COLUMNS.join(',')}`,
    );
  }
  return rows.map(({ line, cells }) => {
    if (cells.length !== header.cells.length) {
      throw new RetuneError(
        `${path}: line ${line} has ${cells.length} cells, the first line ${header.cells.length}; mend the line`,
      );
    }
    return readRow(
      `${path}: line ${line}`,
      columns.map((i) => cells[i] ?? ''),
      samples,
    );
  });
}

function parseCsv(path: string): { line: number; cells: string[] }[] {
  const options = {
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    bom: true,
    trim: true,
  };
  try {
    // With `info` the parser wraps every record together with its position, which its types do not say.
    const records = parse(readFileSync(path, 'utf8'), options) as unknown as {
      info: { lines: number };
      record: string[];
    }[];
    return records.map(({ info, record }) => ({ line: info.lines, cells: record }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new RetuneError(`${path}: ${error.message}; mend the quoting`);
  }
}

function readRow(where: string, cells: string[], samples: number): IndexRow {
  const [label = '', ...numbers] = cells;
  if (label === '') throw new RetuneError(`${where}: the label is empty; name the word`);
  const [take, offset, length] = numbers.map((text, i) => {
    if (!/^\d{1,15}$/.test(text)) {
      throw new RetuneError(
        `${where}: ${INDEX_COLUMNS[i + 1]} is '${text}'; it must be a whole number, 0 or more`,
      );
    }
    return Number(text);
  }) as [number, number, number];
  if (length === 0) throw new RetuneError(`${where}: the clip is empty; remove the line`);
  if (offset + length > samples) {
    throw new RetuneError(
      `${where}: the clip ends at sample ${offset + length}, but the file holds ${samples}; the index and the samples do not belong together`,
    );
  }
  return { label, take, offset, length };
}

/** A WAV file and what its path says of it. */
interface WavFile extends Omit<Recording, 'pcm'> {
  path: string;
}

function listWavTree(folder: string): WavFile[] {
  const files: WavFile[] = [];
  for (const first of subfolders(folder)) {
    const path = join(folder, first);
    files.push(...listWavFolder(path, first, undefined));
    for (const second of subfolders(path)) {
      files.push(...listWavFolder(join(path, second), second, first));
    }
  }
  return files;
}

function subfolders(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map((entry) => entry.name)
    .sort();
}

/** Takes that the file names do not number are numbered in the order of the names. */
function listWavFolder(folder: string, label: string, speaker: string | undefined): WavFile[] {
  const files = readdirSync(folder).filter((file) => /\.wav$/i.test(file));
  const counts = new Map<string, number>();
  return files.sort().map((file) => {
    const name = file.replace(/\.wav$/i, '');
    const who = speaker ?? /^(.+?)[_-].*$/.exec(name)?.[1] ?? 'speaker';
    const count = counts.get(who) ?? 0;
    counts.set(who, count + 1);
    const take = Number(/(\d{1,9})$/.exec(name)?.[1] ?? count);
    return { speaker: who, label, take, path: join(folder, file) };
  });
}

/** Samples of a mono WAV file of any bit depth, as 16-bit integers. */
function readWav(path: string, rate: number): Int16Array {
  const wav = new wavefile.WaveFile();
  try {
    wav.fromBuffer(new Uint8Array(readFileSync(path)));
    if (wav.bitDepth === '8m' || wav.bitDepth === '8a' || wav.bitDepth === '4') decompress(wav);
  } catch (error) {
    throw unreadable(path, error);
  }
  const { sampleRate, numChannels } = wav.fmt as { sampleRate: number; numChannels: number };
  const convert = `convert it with: sox ${basename(path)} -r ${rate} -c 1 -b 16 out.wav`;
  if (sampleRate !== rate) {
    throw new RetuneError(
      `${path}: is at ${sampleRate} Hz, the model hears ${rate} Hz; ${convert}`,
    );
  }
  if (numChannels !== 1) {
    throw new RetuneError(`${path}: has ${numChannels} channels, the model hears one; ${convert}`);
  }
  const samples = samplesOf(wav, path);
  if (samples.length === 0) throw new RetuneError(`${path}: holds no samples; remove it`);
  return samples;
}

/** A header that contradicts itself is noticed only here, with whatever the library throws. */
function samplesOf(wav: InstanceType<typeof wavefile.WaveFile>, path: string): Int16Array {
  try {
    if (wav.bitDepth !== '16') wav.toBitDepth('16');
    const samples = wav.getSamples(false, Int16Array as unknown as () => void);
    return Int16Array.from(samples as unknown as ArrayLike<number>);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): RetuneError {
  const reason = error instanceof Error ? error.message : String(error);
  return new RetuneError(`${path}: not a WAV file that can be read (${reason}); convert it to PCM`);
}

function decompress(wav: InstanceType<typeof wavefile.WaveFile>): void {
  if (wav.bitDepth === '8m') wav.fromMuLaw();
  else if (wav.bitDepth === '8a') wav.fromALaw();
  else wav.fromIMAADPCM();
}
