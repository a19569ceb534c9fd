/**
 * Delta files: a saved adapter with a header that says where it belongs, coded and signed.
 * docs/delta.md gives the bytes; native/store/delta.c reads the same on the device.
 */
import type { KeyObject } from 'node:crypto';
import { RetuneError } from '../cli/error.ts';
import { METHODS } from '../sim/learning-engine.ts';
import { type Adapter, type AdapterKind, blobCrc, readBlob, writeBlob } from './blob.ts';
import { type Coding, CODINGS, decodePayload, encodePayload, smallestCoding } from './coding.ts';
import { signMessage, verifyMessage } from './keys.ts';

export const FIXED_HEADER_BYTES = 48;
export const SIGNATURE_BYTES = 64;
export const NAME_BYTES = 24;
export const SLOTS = 8;
export const ANY_SLOT = 255;
export const LARGEST_COUNTER = 0xffffffff;
const MAGIC = 0x31447452; // "RtD1"
const VERSION = 1;
const PRECISION = 8;
/** Largest payload that is decoded: an adapter's size is a u16 in services/learner.md. */
const LARGEST_PAYLOAD = 0xffff;
const ANY_DEVICE = '0000000000000000';

/** Enum Status of services/delta.md: what a device answers. */
export const STATUS = {
  ok: 0,
  busy: 1,
  wrongOffset: 2,
  notBegun: 3,
  tooLarge: 4,
  truncated: 5,
  wrongHash: 6,
  notADelta: 7,
  unclaimed: 8,
  badSignature: 9,
  wrongModel: 10,
  wrongLayout: 11,
  wrongDevice: 12,
  oldCounter: 13,
  badSlot: 14,
  wrongBase: 15,
  badCoding: 16,
  badAdapter: 17,
  flashFailed: 18,
  emptySlot: 19,
  nothingOnTrial: 20,
} as const;
export type Status = keyof typeof STATUS;

/** Why a delta is refused; the status is the one that a device gives. */
export class DeltaError extends RetuneError {
  override name = 'DeltaError';

  constructor(
    readonly status: Status,
    message: string,
  ) {
    super(message);
  }
}

/** A delta without its signature. */
export interface DeltaHeader extends AdapterKind {
  coding: Coding;
  /** 0 to 7, or ANY_SLOT. */
  slot: number;
  counter: number;
  /** Sixteen hexadecimal digits, as the bus shows them; undefined: any board with this model. */
  device?: string;
  /** CRC-32 of the base's blob; undefined: the payload is the adapter itself. */
  base?: number;
  /** CRC-32 of the blob that results. */
  blobCrc: number;
  payloadBytes: number;
  decodedBytes: number;
  name: string;
}

export interface Delta extends DeltaHeader {
  payload: Uint8Array;
  /** Absent in a file that is not signed yet. */
  signature?: Uint8Array;
  /** What is signed: everything before the signature. */
  message: Uint8Array;
}

export interface PackOptions {
  counter: number;
  name?: string;
  slot?: number;
  device?: string;
  /** Saved adapter that the receiver's slot holds: only the difference travels. */
  base?: Uint8Array;
  /** Absent: whichever is smallest. */
  coding?: Coding;
}

/** Packs a saved adapter. Not signed; `file` is for messages. */
export function packDelta(blob: Uint8Array, file: string, options: PackOptions): Uint8Array {
  const adapter = expectBlob(blob, file);
  const content = differenceTo(options.base, adapter, file);
  const coding = options.coding ?? smallestCoding(content);
  const payload = encodePayload(coding, content);
  const name = nameBytes(options.name ?? '');
  const header = Buffer.alloc(FIXED_HEADER_BYTES + name.length);
  header.writeUInt32LE(MAGIC, 0);
  header.writeUInt8(VERSION, 4);
  header.writeUInt8(header.length, 5);
  header.writeUInt8(CODINGS.indexOf(coding), 6);
  header.writeUInt8(options.slot ?? ANY_SLOT, 7);
  header.writeUInt32LE(adapter.modelHash, 8);
  header.writeUInt32LE(adapter.layoutHash, 12);
  header.writeUInt8(adapter.method, 16);
  header.writeUInt8(adapter.rank, 17);
  header.writeUInt8(PRECISION, 18);
  header.writeUInt8(name.length, 19);
  header.writeUInt32LE(options.counter, 20);
  header.set(Buffer.from(options.device ?? ANY_DEVICE, 'hex'), 24);
  header.writeUInt32LE(options.base === undefined ? 0 : blobCrc(options.base), 32);
  header.writeUInt32LE(payload.length, 36);
  header.writeUInt32LE(content.length, 40);
  header.writeUInt32LE(blobCrc(blob), 44);
  header.set(name, FIXED_HEADER_BYTES);
  return Uint8Array.from([...header, ...payload]);
}

function expectBlob(blob: Uint8Array, file: string): Adapter {
  const adapter = readBlob(blob);
  if (typeof adapter === 'string') {
    throw new RetuneError(`${file}: ${adapter}; give what a board's \`save\` wrote`);
  }
  return adapter;
}

function nameBytes(name: string): Uint8Array {
  const bytes = Buffer.from(name, 'utf8');
  if (bytes.length > NAME_BYTES || hasControl(name)) {
    throw new RetuneError(
      `name "${name}": at most ${NAME_BYTES} bytes of UTF-8 without control characters`,
    );
  }
  return bytes;
}

const hasControl = (text: string): boolean => /\p{Cc}/u.test(text);

function isSameKind(a: AdapterKind, b: AdapterKind): boolean {
  const members = ['modelHash', 'layoutHash', 'method', 'rank'] as const;
  return members.every((member) => a[member] === b[member]);
}

/** What travels: the payload, less the base's. */
function differenceTo(base: Uint8Array | undefined, adapter: Adapter, file: string): Uint8Array {
  if (base === undefined) return adapter.payload;
  const from = expectBlob(base, 'the base');
  if (!isSameKind(from, adapter) || from.payload.length !== adapter.payload.length) {
    throw new RetuneError(`${file}: belongs to another model, method or rank than its base`);
  }
  if (blobCrc(base) === 0) throw new RetuneError(`${file}: this base has checksum 0; pack without`);
  return adapter.payload.map((byte, i) => byte - (from.payload[i] ?? 0));
}

/** Signs what packDelta gave; a signature that is there already is replaced. */
export function signDelta(bytes: Uint8Array, file: string, key: KeyObject): Uint8Array {
  const { message } = readDelta(bytes, file);
  return Uint8Array.from([...message, ...signMessage(message, key)]);
}

/**
 * Takes a file apart and checks that every field is within its range and the size is right, not the
 * signature or what the payload holds. Throws a DeltaError that says what is wrong.
 */
export function readDelta(bytes: Uint8Array, file: string): Delta {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const refuse = (status: Status, what: string): never => {
    throw new DeltaError(status, `${file}: ${what}`);
  };
  if (data.length < FIXED_HEADER_BYTES) refuse('truncated', 'is cut off in its header');
  if (data.readUInt32LE(0) !== MAGIC)
    refuse('notADelta', 'is no delta; make one with `delta pack`');
  if (data.readUInt8(4) !== VERSION) {
    refuse('notADelta', `is a delta of version ${data.readUInt8(4)}, not ${VERSION}`);
  }
  const headerBytes = data.readUInt8(5);
  const nameLength = data.readUInt8(19);
  if (nameLength > NAME_BYTES || headerBytes !== FIXED_HEADER_BYTES + nameLength) {
    refuse('notADelta', `has a header of ${headerBytes} bytes and a name of ${nameLength}`);
  }
  const payloadBytes = data.readUInt32LE(36);
  const messageBytes = headerBytes + payloadBytes;
  const isSigned = data.length === messageBytes + SIGNATURE_BYTES;
  if (!isSigned && data.length !== messageBytes) {
    const signed = messageBytes + SIGNATURE_BYTES;
    refuse('truncated', `is ${data.length} bytes and should be ${signed}; transfer it again`);
  }
  const header = readHeader(data, nameLength, refuse);
  return {
    ...header,
    payload: bytes.slice(headerBytes, messageBytes),
    message: bytes.slice(0, messageBytes),
    signature: isSigned ? bytes.slice(messageBytes) : undefined,
  };
}

type Refuse = (status: Status, what: string) => never;

function readHeader(data: Buffer, nameLength: number, refuse: Refuse): DeltaHeader {
  const coding = CODINGS[data.readUInt8(6)];
  if (coding === undefined) return refuse('notADelta', `has coding ${data.readUInt8(6)}`);
  const slot = data.readUInt8(7);
  if (slot >= SLOTS && slot !== ANY_SLOT) refuse('notADelta', `is for slot ${slot}`);
  const method = data.readUInt8(16);
  if (method === 0 || method >= METHODS.length) refuse('notADelta', `has method ${method}`);
  const precision = data.readUInt8(18);
  if (precision !== PRECISION) refuse('notADelta', `has parameters of ${precision} bits`);
  const counter = data.readUInt32LE(20);
  if (counter === 0) refuse('notADelta', 'has counter 0');
  const decodedBytes = data.readUInt32LE(40);
  if (decodedBytes > LARGEST_PAYLOAD) refuse('tooLarge', `holds ${decodedBytes} bytes`);
  const device = data.toString('hex', 24, 32);
  const base = data.readUInt32LE(32);
  return {
    coding,
    slot,
    method,
    rank: data.readUInt8(17),
    modelHash: data.readUInt32LE(8),
    layoutHash: data.readUInt32LE(12),
    counter,
    device: device === ANY_DEVICE ? undefined : device,
    base: base === 0 ? undefined : base,
    payloadBytes: data.readUInt32LE(36),
    decodedBytes,
    blobCrc: data.readUInt32LE(44),
    name: readName(data.subarray(FIXED_HEADER_BYTES, FIXED_HEADER_BYTES + nameLength), refuse),
  };
}

function readName(bytes: Uint8Array, refuse: Refuse): string {
  try {
    const name = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return hasControl(name) ? refuse('notADelta', 'has control characters in its name') : name;
  } catch (error) {
    if (error instanceof DeltaError) throw error;
    return refuse('notADelta', 'has a name that is not UTF-8');
  }
}

/** Whether the owner of this public key signed it. */
export function isSignedBy({ message, signature }: Delta, key: KeyObject): boolean {
  return signature !== undefined && verifyMessage(message, signature, key);
}

/** The saved adapter in a delta, checked. `base` is asked for only where the delta needs one. */
export function unpackDelta(delta: Delta, file: string, base?: Uint8Array): Uint8Array {
  const content = decodePayload(delta.coding, delta.payload, delta.decodedBytes);
  if (content === undefined) {
    throw new DeltaError('badCoding', `${file}: its payload cannot be decoded`);
  }
  const blob = writeBlob({ ...delta, payload: addBase(content, delta, file, base) });
  if (blobCrc(blob) !== delta.blobCrc) {
    throw new DeltaError('badAdapter', `${file}: decodes to another adapter than was packed`);
  }
  return blob;
}

function addBase(
  content: Uint8Array,
  delta: Delta,
  file: string,
  base: Uint8Array | undefined,
): Uint8Array {
  if (delta.base === undefined) return content;
  const from = base === undefined ? undefined : readBlob(base);
  const fits =
    base !== undefined &&
    typeof from === 'object' &&
    blobCrc(base) === delta.base &&
    isSameKind(from, delta) &&
    from.payload.length === content.length;
  if (!fits) {
    const crc = delta.base.toString(16).padStart(8, '0');
    throw new DeltaError(
      'wrongBase',
      `${file}: is the difference to the adapter with checksum ${crc}, which is not there`,
    );
  }
  return content.map((byte, i) => byte + (from.payload[i] ?? 0));
}
