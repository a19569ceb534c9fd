/** What reads files on the desktop: each input is one file's content, or what came over a link. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { readBoard } from '../../../compiler/board.ts';
import { compileModel } from '../../../compiler/compile.ts';
import { readManifest } from '../../../compiler/manifest.ts';
import { crc32, readBlob } from '../../../fleet/blob.ts';
import { readDelta, unpackDelta } from '../../../fleet/delta.ts';
import { readPrivateKey, readPublicKey } from '../../../fleet/keys.ts';
import { readStatement, splitProgram } from '../../../fleet/program.ts';
import { readAdapterRecord, readStoreImage } from '../../../fleet/store-image.ts';
import { consoleLine, LinkReader, packetsOf } from '../../../sim/link.ts';
import { loadRecordings } from '../../../sim/recordings.ts';
import { projectRoot } from '../../support/data.ts';
import { smallKeywordBytes, trainableModel } from '../../support/models.ts';
import { writeTflite } from '../../support/tflite-writer.ts';
import { checkRefusal } from '../accepting.ts';
import type { GuidedTarget } from './engine.ts';

/** Memory where there is such a folder: thousands of files a second. */
const folder = mkdtempSync(join(readdirSync('/').includes('dev') ? shared() : tmpdir(), 'retune-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

function shared(): string {
  try {
    readdirSync('/dev/shm');
    return '/dev/shm';
  } catch {
    return tmpdir();
  }
}

/** Runs `body`: true when it ends, false when it refuses as it should. */
function accepting(file: string, body: () => void): boolean {
  try {
    body();
    return true;
  } catch (error) {
    checkRefusal(file, error);
    return false;
  }
}

function placed(name: string, bytes: Uint8Array, mode?: number): string {
  const file = join(folder, name);
  writeFileSync(file, bytes, { mode });
  return file;
}

const text = (value: string): Uint8Array => Buffer.from(value, 'utf8');
const json = (value: unknown): Uint8Array => text(JSON.stringify(value, undefined, 1));
const golden = (name: string, ending: string): Uint8Array[] => {
  const path = join(projectRoot, 'test/golden', name);
  return readdirSync(path)
    .filter((file) => file.endsWith(ending))
    .map((file) => readFileSync(join(path, file)));
};

const MANIFEST = {
  board: 'pico',
  app: 'src/keyword.ts',
  model: 'models/digits/digits.tflite',
  adapter: { method: 'skip', rank: 4, layers: ['last'], precision: 'int8', slots: 2, places: 2 },
  modules: ['learner', 'capture', 'delta'],
  budgets: { ram: 65536, flash: 1048576, milliwatt: 20 },
  features: { profile: 'digits', mean: Array(10).fill(0), std: Array(10).fill(1) },
  labels: ['yes', 'no'],
  trust: { owner: 'owner.pub', lock: true },
};

const ADAPTERS = [undefined, { method: 'head' }, { method: 'skip' }, { method: 'lora' }] as const;

const tflite: GuidedTarget = {
  name: 'tflite',
  input: 'models: reader, compiler, training plan',
  files:
    /^compiler\/(tflite|flatbuffer|operators|lower|quantize|features|layout|training|adapter|depthwise|requantise)\.ts$/,
  isText: false,
  runs: 6_000,
  seeds: () => [smallKeywordBytes(), writeTflite(trainableModel())],
  run: (bytes) =>
    accepting('fuzz.tflite', () => {
      const adapter = ADAPTERS[bytes.length % ADAPTERS.length];
      compileModel(bytes, 'fuzz.tflite', adapter === undefined ? {} : { adapter });
    }),
};

const manifest: GuidedTarget = {
  name: 'manifest',
  input: 'devicescript.json',
  files: /^compiler\/(manifest|adapter-schema|zod-message)\.ts$/,
  isText: true,
  runs: 15_000,
  seeds: () => [json(MANIFEST), readFileSync(join(projectRoot, 'devicescript.json'))],
  run: (bytes) => {
    const file = placed('devicescript.json', bytes);
    return accepting(file, () => void readManifest(file));
  },
};

const board: GuidedTarget = {
  name: 'board',
  input: 'board files',
  files: /^compiler\/(board|pins|zod-message)\.ts$/,
  isText: true,
  runs: 15_000,
  seeds: () =>
    readdirSync(join(projectRoot, 'boards'))
      .filter((name) => name.endsWith('.json'))
      .map((name) => readFileSync(join(projectRoot, 'boards', name))),
  run: (bytes) => {
    const file = placed('fuzz.board.json', bytes);
    return accepting(file, () => void readBoard(file));
  },
};

function wavFile(bits: number, channels: number): Uint8Array {
  const bytes = new Uint8Array(56 + 100);
  const view = new DataView(bytes.buffer);
  bytes.set(text('RIFF'), 0);
  view.setUint32(4, bytes.length - 8, true);
  bytes.set(text('WAVEfmt '), 8);
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, 8000, true);
  view.setUint32(28, (8000 * bits * channels) / 8, true);
  view.setUint16(32, (bits * channels) / 8, true);
  view.setUint16(34, bits, true);
  bytes.set(text('LIST'), 36);
  view.setUint32(40, 4, true);
  bytes.set(text('INFOdata'), 44);
  view.setUint32(52, 100, true);
  return bytes.map((byte, i) => (i < 56 ? byte : (i * 37) & 255));
}

const wav: GuidedTarget = {
  name: 'wav',
  input: 'recordings as WAV files',
  files: /^sim\/recordings\.ts$/,
  isText: false,
  runs: 10_000,
  seeds: () => [wavFile(16, 1), wavFile(8, 1), wavFile(24, 2)],
  run: (bytes) => {
    mkdirSync(join(folder, 'wav/one'), { recursive: true });
    placed('wav/one/ann_0.wav', bytes);
    return accepting(join(folder, 'wav'), () => void loadRecordings(join(folder, 'wav'), 8000));
  },
};

const INDEX =
  'label,take,offset_samples,length_samples\none,0,0,100\n"two",1,100,50\none,2,150,50\n';

const csv: GuidedTarget = {
  name: 'csv',
  input: 'lists of recordings as CSV',
  files: /^sim\/recordings\.ts$/,
  isText: true,
  runs: 15_000,
  seeds: () => [text(INDEX), text(INDEX.replaceAll('\n', '\r\n'))],
  run: (bytes) => {
    mkdirSync(join(folder, 'csv'), { recursive: true });
    placed('csv/ann.csv', bytes);
    placed('csv/ann.s16', new Uint8Array(400));
    return accepting(join(folder, 'csv'), () => void loadRecordings(join(folder, 'csv'), 8000));
  },
};

const delta: GuidedTarget = {
  name: 'delta',
  input: 'delta files: header, codings, blob',
  files: /^fleet\/(delta|coding)\.ts$/,
  isText: false,
  runs: 15_000,
  seeds: () => golden('delta', '.delta'),
  run: (bytes) =>
    accepting('fuzz.delta', () => {
      const read = readDelta(bytes, 'fuzz.delta');
      unpackDelta(read, 'fuzz.delta', read.base === undefined ? undefined : bytes);
    }),
};

const adapter: GuidedTarget = {
  name: 'adapter',
  input: 'saved adapters',
  files: /^fleet\/blob\.ts$/,
  isText: false,
  runs: 20_000,
  seeds: () => golden('delta', '.adapter'),
  run: (bytes) => typeof readBlob(bytes) !== 'string',
};

const REGION_BYTES = 16 * 4096;

/** A golden image where there is one, else erased flash. */
function storeRegion(): Uint8Array {
  const path = join(projectRoot, 'test/golden/store');
  const file = existsSync(path) && readdirSync(path).find((name) => name.endsWith('.bin'));
  return file ? readFileSync(join(path, file)) : new Uint8Array(REGION_BYTES).fill(0xff);
}

const SECTOR_BYTES = 4096;
const LOG_SECTORS = 4;
const SLOT_BYTES = 64;
const CHECKED_BYTES = 52;

/** Gives the slot of the log at `place` a right checksum and marker (docs/store.md). */
function mendSlot(region: Uint8Array, place: number): void {
  if (place < region.length - LOG_SECTORS * SECTOR_BYTES) return;
  const at = place - (place % SLOT_BYTES);
  const view = new DataView(region.buffer, region.byteOffset, region.byteLength);
  const crc = crc32(region.subarray(at, at + CHECKED_BYTES));
  const folded = (crc ^ (crc >>> 16)) & 0xffff;
  view.setUint32(at + CHECKED_BYTES, crc, true);
  view.setUint32(at + CHECKED_BYTES + 4, ((folded << 16) | (~folded & 0xffff)) >>> 0, true);
}

/** What a store has written, with pieces of the input over it: place, length, bytes. */
const storeImage: GuidedTarget = {
  name: 'store-image',
  input: 'flash regions of the store, as the desktop reads them',
  files: /^fleet\/store-image\.ts$/,
  isText: false,
  runs: 4_000,
  seeds: () => [
    new Uint8Array(0),
    Uint8Array.of(0, 0x40, 4, 1, 2, 3, 4),
    Uint8Array.of(0x80, 0xc0, 0x88, 1, 0, 1, 4, 9, 0, 0, 0),
    Uint8Array.of(0xc0, 0xd0, 0x88, 0, 1, 2, 4, 9, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 16),
  ],
  run: (bytes) => {
    const region = Uint8Array.from(storeRegion());
    for (let at = 0; at + 3 < bytes.length;) {
      const place = ((bytes[at] as number) | ((bytes[at + 1] as number) << 8)) % region.length;
      const length = bytes[at + 2] as number;
      const piece = bytes.subarray(at + 3, at + 3 + (length & 0x7f));
      region.set(piece.subarray(0, region.length - place), place);
      if (length >= 0x80) mendSlot(region, place);
      at += 3 + piece.length;
    }
    return accepting('store', () => {
      for (const { versions } of readStoreImage(region).records) {
        for (const { payload } of versions) readAdapterRecord(payload);
      }
    });
  },
};

const keys: GuidedTarget = {
  name: 'keys',
  input: 'key files, private and public',
  files: /^fleet\/keys\.ts$/,
  isText: true,
  runs: 6_000,
  seeds: () => [
    text(
      '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n' +
        '-----END PUBLIC KEY-----\n',
    ),
    // RFC 8032, 7.1, test 1: a secret that everybody knows
    text(
      '-----BEGIN PRIVATE KEY-----\n' +
        'MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n' +
        '-----END PRIVATE KEY-----\n',
    ),
  ],
  run: (bytes) => {
    const file = placed('owner', bytes, 0o600);
    const isPublic = accepting(file, () => void readPublicKey(file));
    return accepting(file, () => void readPrivateKey(file)) || isPublic;
  },
};

const program: GuidedTarget = {
  name: 'program',
  input: 'programs with the owner’s statement behind them',
  files: /^fleet\/program\.ts$/,
  isText: false,
  runs: 20_000,
  seeds: () => [
    Uint8Array.from([
      ...Array<number>(40).fill(1),
      0x52,
      0x54,
      0x73,
      0x31,
      ...Array<number>(116).fill(2),
    ]),
    Uint8Array.from([
      ...Array<number>(40).fill(1),
      0x52,
      0x74,
      0x73,
      0x31,
      ...Array<number>(116).fill(2),
    ]),
  ],
  run: (bytes) => {
    const { image, statement } = splitProgram(bytes);
    if (statement !== undefined) readStatement(statement);
    return image.length > 0;
  },
};

/** Cut in pieces where the input says, as a serial port does. */
const link: GuidedTarget = {
  name: 'link',
  input: 'what a board sends: frames, packets, log lines',
  files: /^sim\/link\.ts$/,
  isText: false,
  runs: 20_000,
  seeds: () => [
    Uint8Array.from([7, 0xfe, 0xfc, ...Array<number>(20).fill(0xfe), 0xfe, 0xfd]),
    Uint8Array.from([9, ...text('> hello\n'), 0xfe, 0xfc, 1, 2, 3, 0xfe, 0xf8, 4, 0xfe, 0xfd]),
  ],
  run: (bytes) => {
    let frames = 0;
    const reader = new LinkReader({
      onFrame: (frame: Uint8Array) => (frames += packetsOf(frame).length),
      onText: (line) => void consoleLine(line),
    });
    const piece = 1 + (bytes[0] ?? 0);
    for (let at = 1; at < bytes.length; at += piece) reader.feed(bytes.subarray(at, at + piece));
    return frames > 0;
  },
};

export const guidedTargets: GuidedTarget[] = [
  tflite,
  manifest,
  board,
  wav,
  csv,
  delta,
  adapter,
  storeImage,
  keys,
  program,
  link,
];
