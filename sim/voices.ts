import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RetuneError } from '../cli/error.ts';
import { projectRoot } from './compile.ts';
import { MODELS } from './model-engine.ts';
import { loadRecordings, type Recording } from './recordings.ts';
import { ensureFolder } from '../cli/writable.ts';

/** The speakers of the story without `--data`. */
export const DEMO = { known: 'flite-awb', new: 'child' } as const;

const RATE = 8000;
/** Voice that the child's is made from, and by how much it is sped up: shorter tract, higher pitch. */
const GROWN_UP = 'flite-rms';
const SPEED_UP = 1.7;

/**
 * Folder with the ten digits spoken by synthetic voices that the base model never heard (`demo` in
 * models/digits/voices.json), and by one that is also unlike any it did: one of them sped up, which
 * sounds like a small child. They are made on first use and kept under .retune/.
 */
export async function demoVoices(
  onProgress: (text: string) => void = () => undefined,
): Promise<string> {
  const folder = join(projectRoot, '.retune', `voices-${recipe()}`);
  if (existsSync(folder)) return folder;
  onProgress('synthesising the voices (once)');
  ensureFolder(join(projectRoot, '.retune'), 'voices are kept there; name others with --data');
  // written beside and renamed at the end, so that an interrupted run leaves no half a folder
  const scratch = mkdtempSync(`${folder}-`);
  try {
    await synthesise(scratch);
    addChild(scratch);
    try {
      renameSync(scratch, folder);
    } catch (error) {
      // two runs may make the voices at a time: the first one wins
      if (!existsSync(folder)) throw error;
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return folder;
}

/** Changes with whatever the voices are made from, so that old ones are not taken for new. */
function recipe(): string {
  const hash = createHash('sha256');
  for (const file of ['voices.json', 'synthesise.mjs'])
    hash.update(readFileSync(join(MODELS, file)));
  return hash.update(`${GROWN_UP} ${SPEED_UP}`).digest('hex').slice(0, 8);
}

function synthesise(folder: string): Promise<void> {
  const script = join(MODELS, 'synthesise.mjs');
  return new Promise((done, fail) => {
    execFile(process.execPath, ['--no-warnings', script, folder, '--demo'], (error, _, stderr) => {
      if (error === null) done();
      else fail(new RetuneError(`${script}: the voices cannot be synthesised: ${stderr.trim()}`));
    });
  });
}

function addChild(folder: string): void {
  const clips = loadRecordings(folder, RATE).filter(({ speaker }) => speaker === GROWN_UP);
  const child = clips.map((clip) => ({ ...clip, pcm: speedUp(clip.pcm, SPEED_UP) }));
  writePair(join(folder, DEMO.new), child);
}

function writePair(path: string, clips: Recording[]): void {
  const rows = ['label,take,offset_samples,length_samples'];
  let offset = 0;
  for (const { label, take, pcm } of clips) {
    rows.push([label, take, offset, pcm.length].join());
    offset += pcm.length;
  }
  writeFileSync(`${path}.csv`, `${rows.join('\n')}\n`);
  writeFileSync(`${path}.s16`, Buffer.concat(clips.map(({ pcm }) => littleEndian(pcm))));
}

function littleEndian(pcm: Int16Array): Buffer {
  const bytes = Buffer.alloc(2 * pcm.length);
  pcm.forEach((sample, i) => bytes.writeInt16LE(sample, 2 * i));
  return bytes;
}

const TAPS_EACH_SIDE = 16;
/** Of the lower Nyquist frequency: room for the filter's slope. */
const PASS_BAND = 0.95;

/** Plays faster, pitch and formants rise alike: resampling with a windowed sinc. */
export function speedUp(pcm: Int16Array, factor: number): Int16Array {
  const cut = PASS_BAND * Math.min(1, 1 / factor);
  const half = TAPS_EACH_SIDE / cut;
  return Int16Array.from({ length: Math.floor(pcm.length / factor) }, (_, i) => {
    const centre = i * factor;
    const first = Math.max(0, Math.ceil(centre - half));
    const last = Math.min(pcm.length - 1, Math.floor(centre + half));
    let sum = 0;
    for (let k = first; k <= last; k++) sum += (pcm[k] as number) * kernel(centre - k, cut, half);
    return Math.max(-32768, Math.min(32767, Math.round(sum)));
  });
}

/** Low-pass at `cut` of Nyquist under a Hann window of `half` samples each side. */
function kernel(t: number, cut: number, half: number): number {
  const sinc = t === 0 ? cut : Math.sin(Math.PI * cut * t) / (Math.PI * t);
  return sinc * (0.5 + 0.5 * Math.cos((Math.PI * t) / half));
}
