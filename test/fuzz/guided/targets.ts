/** What reads files on the desktop: each input is one file's content, or what came over a link. */
import {
  cpSync,
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
import { boardOf, checkModules, readManifest } from '../../../compiler/manifest.ts';
import { blobCrc, crc32, readBlob, writeBlob } from '../../../fleet/blob.ts';
import { decodePayload } from '../../../fleet/coding.ts';
import {
  FIXED_HEADER_BYTES,
  NAME_BYTES,
  readDelta,
  SIGNATURE_BYTES,
  unpackDelta,
} from '../../../fleet/delta.ts';
import { publicKeyFrom, readPrivateKey, readPublicKey } from '../../../fleet/keys.ts';
import { isSignedBy, splitProgram, STATEMENT_BYTES } from '../../../fleet/program.ts';
import { readAdapterRecord, readStoreImage } from '../../../fleet/store-image.ts';
import { consoleLine, crc16, escapeFrame, LinkReader, packetsOf } from '../../../sim/link.ts';
import { loadRecordings } from '../../../sim/recordings.ts';
import { projectRoot } from '../../support/data.ts';
import { smallKeywordBytes, trainableModel } from '../../support/models.ts';
import { randomModel } from '../../support/random-model.ts';
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

const prefixed = (choice: number, bytes: Uint8Array): Uint8Array => Uint8Array.of(choice, ...bytes);

/** What golden deltas with a base are the difference to. */
const BASE = readFileSync(join(projectRoot, 'test/golden/delta/base.adapter'));

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
  seeds: () => [
    smallKeywordBytes(),
    writeTflite(trainableModel()),
    ...[1, 2, 3, 4].map((seed) => writeTflite(randomModel(seed))),
  ],
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
  seeds: () => {
    for (const part of ['boards', 'services']) {
      cpSync(join(projectRoot, part), join(folder, part), { recursive: true });
    }
    return [json(MANIFEST), readFileSync(join(projectRoot, 'devicescript.json'))];
  },
  run: (bytes) => {
    const file = placed('devicescript.json', bytes);
    // the message may name the board's file, which lies in the same folder
    return accepting(folder, () => {
      const manifest = readManifest(file);
      checkModules(manifest);
      boardOf(manifest);
    });
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

const NAME_AT = 19;
const PAYLOAD_AT = 36;
const DECODED_AT = 40;
const CRC_AT = 44;

/** Gives a file the sizes that it has and the checksum of what its payload decodes to. */
function mendDelta(bytes: Uint8Array): Uint8Array {
  const file = Buffer.from(bytes);
  if (file.length < FIXED_HEADER_BYTES + NAME_BYTES + SIGNATURE_BYTES) return file;
  const name = (file[NAME_AT] as number) % (NAME_BYTES + 1);
  file.write('RtD1', 0, 'latin1');
  file.set([1, FIXED_HEADER_BYTES + name], 4);
  file[NAME_AT] = name;
  const payloadBytes = file.length - FIXED_HEADER_BYTES - name - SIGNATURE_BYTES;
  file.writeUInt32LE(payloadBytes, PAYLOAD_AT);
  if (file[6] === 0) file.writeUInt32LE(payloadBytes, DECODED_AT);
  let header;
  try {
    header = readDelta(file, 'fuzz.delta');
  } catch {
    return file;
  }
  const payload = decodePayload(header.coding, header.payload, header.decodedBytes);
  if (payload !== undefined) file.writeUInt32LE(blobCrc(writeBlob({ ...header, payload })), CRC_AT);
  return file;
}

/** A byte of choices, then the file. */
const delta: GuidedTarget = {
  name: 'delta',
  input: 'delta files: header, codings, blob',
  files: /^fleet\/(delta|coding)\.ts$/,
  isText: false,
  runs: 10_000,
  seeds: () => golden('delta', '.delta').flatMap((file) => [prefixed(0, file), prefixed(1, file)]),
  run: (bytes) =>
    accepting('fuzz.delta', () => {
      const isMended = ((bytes[0] ?? 0) & 1) === 1;
      const file = isMended ? mendDelta(bytes.subarray(1)) : bytes.subarray(1);
      const read = readDelta(file, 'fuzz.delta');
      unpackDelta(read, 'fuzz.delta', read.base === undefined ? undefined : BASE);
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

/** test/golden/store/turned: 16 sectors. */
const REGION_BYTES = 16 * 4096;

/** What a store has written. */
function storeRegion(): Uint8Array {
  const region = new Uint8Array(REGION_BYTES).fill(0xff);
  const lines = readFileSync(join(projectRoot, 'test/golden/store/turned.hex'), 'utf8');
  for (const line of lines.trim().split('\n')) {
    const [place = '', bytes = ''] = line.split(' ');
    region.set(Buffer.from(bytes, 'hex'), parseInt(place, 16));
  }
  return region;
}
const STORE_REGION = storeRegion();

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
    const region = Uint8Array.from(STORE_REGION);
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

/** RFC 8032, 7.1, test 1. */
const OWNER = publicKeyFrom(
  Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex'),
);

/** A program with a statement that says its size. */
function signedProgram(counter: number): Uint8Array {
  const statement = Buffer.alloc(STATEMENT_BYTES);
  statement.write('RTs1', 0, 'latin1');
  statement.writeUInt32LE(40, 4);
  statement.writeUInt32LE(counter, 8);
  return Buffer.concat([Buffer.alloc(40, 1), statement]);
}

const program: GuidedTarget = {
  name: 'program',
  input: 'programs with the owner’s statement behind them',
  files: /^fleet\/program\.ts$/,
  isText: false,
  runs: 20_000,
  seeds: () => [signedProgram(1), signedProgram(0), new Uint8Array(STATEMENT_BYTES)],
  run: (bytes) => {
    const { image, statement } = splitProgram(bytes);
    if (statement !== undefined && isSignedBy(image, statement, OWNER)) {
      throw new Error('a signature of nobody is good');
    }
    return statement !== undefined;
  },
};

/** A frame as a board sends it, its checksum right. */
function soundFrame(content: Uint8Array): Uint8Array {
  const frame = Buffer.alloc(Math.max(content.length + 2, 16));
  frame.set(content, 2);
  frame[2] = frame.length - 12;
  frame.writeUInt16LE(crc16(frame.subarray(2)), 0);
  return escapeFrame(frame);
}

/** Pieces: a length, with its highest bit for what becomes a sound frame, then the bytes. */
const link: GuidedTarget = {
  name: 'link',
  input: 'what a board sends: frames, packets, log lines',
  files: /^sim\/link\.ts$/,
  isText: false,
  runs: 20_000,
  seeds: () => [
    Uint8Array.from([22, 0xfe, 0xfc, ...Array<number>(18).fill(0xfe), 0xfe, 0xfd]),
    Uint8Array.from([0x94, 0, 1, ...Array<number>(8).fill(7), 4, 1, 2, 0x80, 1, 2, 3, 4, 5, 6]),
    Uint8Array.from([8, ...text('> hello\n'), 11, 0xfe, 0xfc, 1, 2, 3, 0xfe, 0xf8, 4, 0xfe, 0xfd]),
  ],
  run: (bytes) => {
    let packets = 0;
    const reader = new LinkReader({
      onFrame: (frame) => void (packets += packetsOf(frame).length),
      onText: (line) => void consoleLine(line),
    });
    for (let at = 0; at < bytes.length;) {
      const head = bytes[at] as number;
      const piece = bytes.subarray(at + 1, at + 1 + (head & 0x7f));
      reader.feed(head >= 0x80 ? soundFrame(piece) : piece);
      at += 1 + piece.length;
    }
    return packets > 0;
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
