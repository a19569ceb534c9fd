/** A saved adapter as `save` writes it: native/engine/adapter_blob.h. */
import { METHODS, type Method } from '../sim/learning-engine.ts';

export const BLOB_HEADER_BYTES = 24;
const MAGIC = 0x31417452; // "RtA1"
const VERSION = 1;
const CRC_OFFSET = 20;

/** What an adapter belongs to: it can be loaded where all of these are the same. */
export interface AdapterKind {
  /** Number of the method as in services/learner.md: 1 head, 2 skip, 3 lora. */
  method: number;
  /** 0 for head. */
  rank: number;
  modelHash: number;
  layoutHash: number;
}

export interface Adapter extends AdapterKind {
  payload: Uint8Array;
}

/** Continues a CRC-32 (ISO-HDLC, as in zip), 0 at first. */
export function crc32(bytes: Uint8Array, crc = 0): number {
  let rest = ~crc;
  for (const byte of bytes) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit++) rest = (rest >>> 1) ^ (rest & 1 ? 0xedb88320 : 0);
  }
  return ~rest >>> 0;
}

/** Name of a method's number; undefined for none that there is. */
export function methodName(method: number): Method | undefined {
  return METHODS[method];
}

/** The blob of an adapter, checksum included. */
export function writeBlob({ method, rank, modelHash, layoutHash, payload }: Adapter): Uint8Array {
  const blob = Buffer.alloc(BLOB_HEADER_BYTES + payload.length);
  blob.writeUInt32LE(MAGIC, 0);
  blob.writeUInt16LE(VERSION, 4);
  blob.writeUInt8(method, 6);
  blob.writeUInt8(rank, 7);
  blob.writeUInt32LE(modelHash, 8);
  blob.writeUInt32LE(layoutHash, 12);
  blob.writeUInt32LE(payload.length, 16);
  blob.set(payload, BLOB_HEADER_BYTES);
  blob.writeUInt32LE(checksum(blob), CRC_OFFSET);
  return Uint8Array.from(blob);
}

/** Takes a blob apart; a text says what is wrong with it. */
export function readBlob(bytes: Uint8Array): Adapter | string {
  const blob = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (blob.length < BLOB_HEADER_BYTES || blob.readUInt32LE(0) !== MAGIC) {
    return 'is no saved adapter';
  }
  const version = blob.readUInt16LE(4);
  if (version !== VERSION) return `is a saved adapter of version ${version}, not ${VERSION}`;
  const size = blob.readUInt32LE(16);
  if (size !== blob.length - BLOB_HEADER_BYTES) {
    return `is cut off or too long: ${blob.length} bytes instead of ${BLOB_HEADER_BYTES + size}`;
  }
  if (blob.readUInt32LE(CRC_OFFSET) !== checksum(blob)) return 'is damaged: its checksum is wrong';
  return {
    method: blob.readUInt8(6),
    rank: blob.readUInt8(7),
    modelHash: blob.readUInt32LE(8),
    layoutHash: blob.readUInt32LE(12),
    payload: Uint8Array.from(blob.subarray(BLOB_HEADER_BYTES)),
  };
}

/** The checksum that a blob carries. */
export function blobCrc(blob: Uint8Array): number {
  return new DataView(blob.buffer, blob.byteOffset).getUint32(CRC_OFFSET, true);
}

function checksum(blob: Uint8Array): number {
  return crc32(blob.subarray(BLOB_HEADER_BYTES), crc32(blob.subarray(0, CRC_OFFSET)));
}
