/**
 * Reads the store out of a flash image: docs/store.md in TypeScript, without any of the C. Writes
 * nothing and changes nothing; what the firmware would settle at mount is only judged here.
 */
import { crc32 } from 'node:zlib';
import { RetuneError } from '../cli/error.ts';

const SECTOR_BYTES = 4096;
const STAGING_SECTORS = 4;
const LOG_SECTORS = 4;
const MIN_SECTORS = 10;
const MAX_SECTORS = 128;
const SLOT_BYTES = 64;
const SLOTS = SECTOR_BYTES / SLOT_BYTES;
const HEADER_SLOTS = 2;
const CHECKED_BYTES = 52;
const INLINE_BYTES = 40;
const VERSIONS = 2;
const MAGIC = 0x32537452;
const FORMAT = 1;
const POLYNOMIAL = 0xedb88320;
const RETIRED = 255;

const KIND = { inline: 1, extent: 2, gone: 3, wear: 4 } as const;

export interface StoredVersion {
  number: number;
  payload: Uint8Array;
  /** Its bytes are not those that were written: the firmware gives the version before. */
  isDamaged: boolean;
  /** Where it lies, from the beginning of the region. */
  offset: number;
}

export interface StoredRecord {
  key: number;
  /** Newest first. */
  versions: StoredVersion[];
}

export interface StoreImage {
  /** Of log sectors; 0: there is no log, the store is empty. */
  generation: number;
  /** Which of the four is in use. */
  logSector: number;
  /** Slots of it that are not blank, the two of the header included. */
  usedSlots: number;
  /** Slots with a changed bit that was mended, and slots that are neither blank nor an entry. */
  mendedSlots: number[];
  voidSlots: number[];
  /** Erases of each sector for payloads; undefined: retired. */
  erases: (number | undefined)[];
  /** In the order of their keys. */
  records: StoredRecord[];
}

type SlotState = 'blank' | 'garbage' | 'pending' | 'committed';

interface Slot {
  state: SlotState;
  isMended: boolean;
  /** A copy, mended. */
  bytes: Buffer;
}

function markerOf(crc: number): number {
  const folded = (crc ^ (crc >>> 16)) & 0xffff;
  return ((folded << 16) | (~folded & 0xffff)) >>> 0;
}

function bitsSet(value: number): number {
  let count = 0;
  for (let rest = value >>> 0; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/** Flips the one bit that explains the difference of the CRCs; false: there is none. */
function mend(bytes: Buffer, difference: number): boolean {
  if (bitsSet(difference) === 1) return true;
  let effect = POLYNOMIAL;
  for (let bit = 8 * CHECKED_BYTES - 1; bit >= 0; bit--) {
    if (effect === difference) {
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return true;
    }
    effect = ((effect >>> 1) ^ (effect & 1 ? POLYNOMIAL : 0)) >>> 0;
  }
  return false;
}

function checksum(bytes: Uint8Array, seed: number): number {
  return crc32(bytes.subarray(0, CHECKED_BYTES), seed);
}

/** @param seed of the CRC: the log sector's generation, 0 for headers */
function judge(bytes: Buffer, seed: number): Slot {
  const marker = bytes.readUInt32LE(56);
  const crc = checksum(bytes, seed);
  const difference = (crc ^ bytes.readUInt32LE(52)) >>> 0;
  if (difference === 0) {
    const wrong = bitsSet(marker ^ markerOf(crc));
    return { state: wrong <= 1 ? 'committed' : 'pending', isMended: wrong === 1, bytes };
  }
  if (bytes.every((byte) => byte === 0xff)) return { state: 'blank', isMended: false, bytes };
  const mended = Buffer.from(bytes);
  if (mend(mended, difference) && marker === markerOf(checksum(mended, seed))) {
    return { state: 'committed', isMended: true, bytes: mended };
  }
  return { state: 'garbage', isMended: false, bytes };
}

interface Header {
  generation: number;
  logSector: number;
  firstEntry: number;
}

class Reader {
  private readonly sectors: number;
  readonly records = new Map<number, StoredVersion[]>();
  private readonly wear: number[];
  private wearBase = 0;

  constructor(private readonly region: Buffer) {
    const sectors = Math.min(Math.floor(region.length / SECTOR_BYTES), MAX_SECTORS);
    if (sectors < MIN_SECTORS) {
      throw new RetuneError(
        `a store has at least ${MIN_SECTORS * SECTOR_BYTES} bytes, this region ${region.length}; ` +
          'give the whole region of the board',
      );
    }
    this.sectors = sectors - STAGING_SECTORS - LOG_SECTORS;
    this.wear = new Array<number>(this.sectors).fill(0);
  }

  private slot(logSector: number, index: number, seed: number): Slot {
    const sector = this.sectors + STAGING_SECTORS + logSector;
    const at = sector * SECTOR_BYTES + index * SLOT_BYTES;
    return judge(Buffer.from(this.region.subarray(at, at + SLOT_BYTES)), seed);
  }

  private header(logSector: number, copy: number): Header | undefined {
    const { state, bytes } = this.slot(logSector, copy, 0);
    if (state !== 'committed') return undefined;
    const generation = bytes.readUInt32LE(4);
    const firstEntry = bytes.readUInt16LE(12);
    const isOurs =
      bytes.readUInt32LE(0) === MAGIC &&
      bytes.readUInt16LE(8) === FORMAT &&
      bytes.readUInt16LE(10) === this.sectors &&
      generation > 0 &&
      firstEntry >= HEADER_SLOTS &&
      firstEntry <= SLOTS;
    return isOurs ? { generation, logSector, firstEntry } : undefined;
  }

  private findLog(): Header | undefined {
    let best: Header | undefined;
    for (let logSector = 0; logSector < LOG_SECTORS; logSector++) {
      for (let copy = 0; copy < HEADER_SLOTS; copy++) {
        const header = this.header(logSector, copy);
        if (header && header.generation > (best?.generation ?? 0)) best = header;
      }
    }
    return best;
  }

  /** `bytes` of the payload that lie within the region, and whether they are those written. */
  private version(entry: Buffer, at: number): StoredVersion {
    const number = entry.readUInt32LE(4);
    if (entry[2] === KIND.inline) {
      const length = entry[3] ?? 0;
      const payload = Uint8Array.from(entry.subarray(12, 12 + Math.min(length, INLINE_BYTES)));
      return { number, payload, isDamaged: length > INLINE_BYTES, offset: at + 12 };
    }
    const [offset, bytes, crc] = [12, 16, 20].map((field) => entry.readUInt32LE(field)) as [
      number,
      number,
      number,
    ];
    const end = (this.sectors + STAGING_SECTORS) * SECTOR_BYTES;
    const payload = Uint8Array.from(this.region.subarray(offset, Math.min(offset + bytes, end)));
    const isDamaged = payload.length !== bytes || crc32(payload) !== crc;
    return { number, payload, isDamaged, offset };
  }

  private apply(entry: Buffer, at: number): void {
    const key = entry.readUInt16LE(0);
    const number = entry.readUInt32LE(4);
    const firstGone = entry.readUInt32LE(8);
    const isGone = (version: StoredVersion): boolean =>
      version.number >= firstGone && version.number <= number;
    const versions = (this.records.get(key) ?? []).filter((version) => !isGone(version));
    if (entry[2] === KIND.inline || entry[2] === KIND.extent) {
      versions.push(this.version(entry, at));
      versions.sort((a, b) => b.number - a.number);
    }
    if (versions.length === 0) this.records.delete(key);
    else this.records.set(key, versions.slice(0, VERSIONS));
  }

  /** Erases that an entry behind the copied ones stands for. */
  private countErases(entry: Buffer): void {
    const start = entry.readUInt32LE(12);
    if (entry[2] !== KIND.extent || start % SECTOR_BYTES !== 0) return;
    const end = Math.min(Math.ceil((start + entry.readUInt32LE(16)) / SECTOR_BYTES), this.sectors);
    for (let i = start / SECTOR_BYTES; i < end; i++) {
      if (this.wear[i] !== RETIRED) this.wear[i] = (this.wear[i] ?? 0) + 1;
    }
  }

  private takeWear(entry: Buffer): void {
    const first = entry.readUInt16LE(0);
    this.wearBase = entry.readUInt32LE(4);
    for (let i = 0; i < Math.min(entry[3] ?? 0, INLINE_BYTES); i++) {
      if (first + i < this.sectors) this.wear[first + i] = entry[12 + i] ?? 0;
    }
  }

  read(): StoreImage {
    const header = this.findLog();
    const image: StoreImage = {
      ...{ generation: header?.generation ?? 0, logSector: header?.logSector ?? 0 },
      ...{ usedSlots: 0, mendedSlots: [], voidSlots: [], erases: [], records: [] },
    };
    if (header) this.replay(header, image);
    image.erases = this.wear.map((erases) =>
      erases === RETIRED ? undefined : this.wearBase + erases,
    );
    image.records = [...this.records]
      .map(([key, versions]) => ({ key, versions }))
      .sort((a, b) => a.key - b.key);
    return image;
  }

  private replay({ generation, logSector, firstEntry }: Header, image: StoreImage): void {
    image.usedSlots = firstEntry;
    for (let copy = 0; copy < HEADER_SLOTS; copy++) {
      const { state, isMended } = this.slot(logSector, copy, 0);
      if (isMended) image.mendedSlots.push(copy);
      if (state !== 'committed') image.voidSlots.push(copy);
    }
    const sector = this.sectors + STAGING_SECTORS + logSector;
    for (let index = HEADER_SLOTS; index < SLOTS; index++) {
      const { state, isMended, bytes } = this.slot(logSector, index, generation);
      if (state === 'blank') continue;
      image.usedSlots = Math.max(image.usedSlots, index + 1);
      if (isMended) image.mendedSlots.push(index);
      if (state !== 'committed') {
        image.voidSlots.push(index);
      } else if (bytes[2] === KIND.wear) {
        this.takeWear(bytes);
      } else {
        this.apply(bytes, sector * SECTOR_BYTES + index * SLOT_BYTES);
        if (index >= firstEntry) this.countErases(bytes);
      }
    }
  }
}

/** Everything that the log says. @param region the board's store region, all of it */
export function readStoreImage(region: Uint8Array): StoreImage {
  return new Reader(Buffer.from(region)).read();
}

/** What is kept, in the order of the keys. */
export const readStore = (region: Uint8Array): StoredRecord[] => readStoreImage(region).records;

// ---- adapters (native/store/adapter_record.h) ----

export const KEY_ADAPTER = 0x0100;
export const KEY_ADAPTER_STATE = 0x0120;
export const ADAPTER_SLOTS = 8;

const RECORD_MAGIC = 0x314d7452;
const BLOB_MAGIC = 0x31417452;
const RECORD_BYTES = 72;
export const STATES = ['kept', 'fresh', 'trial'] as const;
const SOURCES = ['trained', 'delta'] as const;

export interface AdapterRecord {
  modelHash: number;
  layoutHash: number;
  method: number;
  rank: number;
  source: (typeof SOURCES)[number];
  /** As it was written; a record under KEY_ADAPTER_STATE may say another. */
  state: (typeof STATES)[number];
  heldOut: number;
  rightBefore: number;
  rightAfter: number;
  saves: number;
  bursts: number;
  deltaCounter: number;
  name: string;
  blob: Uint8Array;
}

/** undefined: not a record of an adapter. */
export function readAdapterRecord(payload: Uint8Array): AdapterRecord | undefined {
  const bytes = Buffer.from(payload);
  if (bytes.length < 24) return undefined;
  const none = { heldOut: 0, rightBefore: 0, rightAfter: 0, saves: 0, bursts: 0, deltaCounter: 0 };
  if (bytes.readUInt32LE(0) === BLOB_MAGIC) {
    const made = { modelHash: bytes.readUInt32LE(8), layoutHash: bytes.readUInt32LE(12) };
    const kind = { method: bytes[6] ?? 0, rank: bytes[7] ?? 0 };
    return { ...made, ...kind, source: 'trained', state: 'kept', ...none, name: '', blob: payload };
  }
  if (bytes.length < RECORD_BYTES || bytes.readUInt32LE(0) !== RECORD_MAGIC) return undefined;
  const before = bytes.readUInt16LE(6);
  if (bytes.readUInt16LE(4) !== 1 || before < RECORD_BYTES) return undefined;
  if (before > bytes.length || bytes.readUInt32LE(64) !== bytes.length - before) return undefined;
  const name = bytes.subarray(40, 64);
  const end = name.indexOf(0);
  return {
    ...{ modelHash: bytes.readUInt32LE(8), layoutHash: bytes.readUInt32LE(12) },
    ...{ method: bytes[16] ?? 0, rank: bytes[17] ?? 0 },
    ...{ source: SOURCES[bytes[18] ?? 0] ?? 'trained', state: STATES[bytes[19] ?? 0] ?? 'kept' },
    ...{ heldOut: bytes.readUInt16LE(20), rightBefore: bytes.readUInt16LE(22) },
    ...{ rightAfter: bytes.readUInt16LE(24), saves: bytes.readUInt32LE(28) },
    ...{ bursts: bytes.readUInt32LE(32), deltaCounter: bytes.readUInt32LE(36) },
    name: name.toString('utf8', 0, end < 0 ? name.length : end),
    blob: payload.subarray(before),
  };
}
