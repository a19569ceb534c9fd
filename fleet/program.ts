/**
 * Signed programs, and what an owner tells a board (native/store/trust.h): statements of 120 bytes,
 * 56 of fields and an Ed25519 signature of them. A signed program is a file: the program, and behind
 * it the statement. docs/security.md has the bytes.
 */
import { createHash, type KeyObject } from 'node:crypto';
import { RetuneError } from '../cli/error.ts';
import { rawPublicKey, signMessage, verifyMessage } from './keys.ts';

export const STATEMENT_BYTES = 120;
const SIGNED_BYTES = 56;
const PROGRAM_MAGIC = 'RTs1';
const OWNER_MAGIC = 'RTo1';

/** Offsets, as in native/store/trust.h. */
const PROGRAM = { bytes: 4, counter: 8, reserved: 12, device: 16, sha256: 24 } as const;
const OWNER = { what: 4, lock: 5, device: 8, challenge: 16, key: 24 } as const;

export const LARGEST_PROGRAM_COUNTER = 0xffffffff;
/** Sixteen digits: any device. */
export const ANY_DEVICE = '0000000000000000';

export interface ProgramStatement {
  /** Of the program. */
  bytes: number;
  /** The board takes no program with a lower one. */
  counter: number;
  /** Sixteen hexadecimal digits, as on the bus; ANY_DEVICE: for all. */
  device: string;
  sha256: Uint8Array;
}

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

function deviceBytes(device: string): Buffer {
  if (!/^[0-9a-f]{16}$/i.test(device)) {
    throw new RetuneError(`device ${device}: give sixteen hexadecimal digits`);
  }
  return Buffer.from(device, 'hex');
}

/** A counter that grows by itself and needs no file: seconds since 1970. */
export const counterOfNow = (): number => Math.floor(Date.now() / 1000);

function withSignature(signed: Buffer, privateKey: KeyObject): Uint8Array {
  return Uint8Array.from(Buffer.concat([signed, signMessage(signed, privateKey)]));
}

/** The statement of a program. */
export function signProgram(
  image: Uint8Array,
  privateKey: KeyObject,
  { counter, device = ANY_DEVICE }: { counter: number; device?: string },
): Uint8Array {
  if (!Number.isInteger(counter) || counter < 1 || counter > LARGEST_PROGRAM_COUNTER) {
    throw new RetuneError(`counter ${counter}: give a whole number from 1 to 4294967295`);
  }
  const signed = Buffer.alloc(SIGNED_BYTES);
  signed.write(PROGRAM_MAGIC, 'latin1');
  signed.writeUInt32LE(image.length, PROGRAM.bytes);
  signed.writeUInt32LE(counter, PROGRAM.counter);
  deviceBytes(device).copy(signed, PROGRAM.device);
  sha256(image).copy(signed, PROGRAM.sha256);
  return withSignature(signed, privateKey);
}

/** The fields of a statement of a program, undefined when it is none. */
export function readStatement(bytes: Uint8Array): ProgramStatement | undefined {
  const data = Buffer.from(bytes);
  if (data.length !== STATEMENT_BYTES || data.toString('latin1', 0, 4) !== PROGRAM_MAGIC) {
    return undefined;
  }
  const counter = data.readUInt32LE(PROGRAM.counter);
  if (counter === 0 || data.readUInt32LE(PROGRAM.reserved) !== 0) return undefined;
  return {
    bytes: data.readUInt32LE(PROGRAM.bytes),
    counter,
    device: data.toString('hex', PROGRAM.device, PROGRAM.device + 8),
    sha256: Uint8Array.from(data.subarray(PROGRAM.sha256, SIGNED_BYTES)),
  };
}

/** Whether the statement is of these bytes and signed with the key. */
export function isSignedBy(image: Uint8Array, statement: Uint8Array, key: KeyObject): boolean {
  const fields = readStatement(statement);
  if (fields === undefined || fields.bytes !== image.length) return false;
  if (!sha256(image).equals(fields.sha256)) return false;
  const signature = statement.subarray(SIGNED_BYTES);
  return verifyMessage(statement.subarray(0, SIGNED_BYTES), signature, key);
}

/** A program's file taken apart; without a statement it is all program. */
export function splitProgram(file: Uint8Array): { image: Uint8Array; statement?: Uint8Array } {
  const end = file.length - STATEMENT_BYTES;
  if (end < 0) return { image: file };
  const statement = file.subarray(end);
  const fields = readStatement(statement);
  if (fields?.bytes !== end) return { image: file };
  return { image: file.subarray(0, end), statement };
}

export function joinProgram(image: Uint8Array, statement: Uint8Array): Uint8Array {
  return Uint8Array.from([...image, ...statement]);
}

/** rt_trust_what_t. */
export const OWNER_ACTS = { claim: 1, give: 2, lock: 3, reset: 4 } as const;
export type OwnerAct = keyof typeof OWNER_ACTS;

export interface OwnerStatement {
  act: OwnerAct;
  /** Sixteen hexadecimal digits. */
  device: string;
  /** The 8 bytes that the board gave. */
  challenge: Uint8Array;
  /** Whether programs need a signature from then on; claim, give and lock. */
  lock?: boolean;
  /** The new owner's public key; give. */
  newOwner?: KeyObject;
}

/** What the owner tells a board; a claim is signed with the key that claims. */
export function signOwner(statement: OwnerStatement, privateKey: KeyObject): Uint8Array {
  const { act, device, challenge, lock = false, newOwner } = statement;
  const signed = Buffer.alloc(SIGNED_BYTES);
  signed.write(OWNER_MAGIC, 'latin1');
  signed[OWNER.what] = OWNER_ACTS[act];
  signed[OWNER.lock] = lock ? 1 : 0;
  deviceBytes(device).copy(signed, OWNER.device);
  Buffer.from(challenge).copy(signed, OWNER.challenge, 0, 8);
  signed.set(rawPublicKey(newOwner ?? privateKey), OWNER.key);
  return withSignature(signed, privateKey);
}
