/**
 * A delta over a link to a board, and a saved adapter from it: the client of services/delta.md.
 * Pieces go one at a time, each answered with the offset that comes next, so that a transfer goes on
 * where it broke off, after lost frames and after a reset.
 */
import { createHash } from 'node:crypto';
import { RetuneError } from '../cli/error.ts';
import { BLOB_HEADER_BYTES, blobCrc, readBlob } from './blob.ts';
import type { LinkOptions, OpenBoardLink } from './board-link.ts';
import { ServiceClient, SilenceError } from './client.ts';
import { ANY_SLOT, readDelta, STATUS, type Status } from './delta.ts';

export const DELTA_SERVICE = { serviceClass: 0x1d3a9c52, name: 'delta' } as const;
const COMMAND = {
  begin: 0x80,
  data: 0x81,
  finish: 0x82,
  describe: 0x85,
  read: 0x86,
} as const;
const REGISTER = { counter: 0x180, owner: 0x181 } as const;
const PIECE_BYTES = 224;
/** Pieces that may be asked for again before we give up. */
const MOST_REPEATS = 1000;
const DEFAULT_TIMEOUT_S = 10;
/** The signature takes a fifth of a second, the flash some more. */
const FINISH_MS = 3000;
const FINISH_ATTEMPTS = 6;
const AT_WORK_MS = 500;

export interface DeviceOptions extends LinkOptions {
  /** Sixteen digits; needed where there are several. */
  device?: string;
  /** Seconds to wait for the device; default 10. */
  timeout?: number;
}

export interface ApplyOptions extends Pick<DeviceOptions, 'device' | 'timeout'> {
  /** Slot to install in; default: the one that the file names. */
  slot?: number;
  onProgress?: (sent: number, total: number) => void;
}

export interface Applied {
  device: string;
  slot: number;
  counter: number;
  /** Bytes that were there already, from a transfer that broke off. */
  resumedAt: number;
}

/** The device has refused. */
export class RefusedError extends RetuneError {
  override name = 'RefusedError';

  constructor(
    readonly status: Status,
    message: string,
  ) {
    super(message);
  }
}

/** What each refusal means to the person who sent the file. */
const ADVICE: Partial<Record<Status, string>> = {
  busy: 'it is at work (training, or checking a file); wait and repeat',
  tooLarge: 'it is larger than the staging area or than the adapter',
  truncated: 'it is not complete',
  wrongHash: 'other bytes arrived than were sent; repeat',
  notADelta: 'it is no delta that this firmware understands',
  unclaimed: 'the board has no owner yet; `retune keys claim` makes you its owner',
  badSignature: "it is not signed with the owner's key; sign it with that (`retune delta sign`)",
  wrongModel: 'it is for another model; `retune delta inspect` shows which',
  wrongLayout: 'it is for another kind of adapter (method, rank or layout)',
  wrongDevice: 'it is for another device; `retune delta inspect` shows which',
  oldCounter: 'its counter is not above that of the last one; pack it with a higher --counter',
  badSlot: 'it is for another slot; name the right one with --slot',
  wrongBase: 'the slot does not hold the adapter that it is the difference to; pack without --base',
  badCoding: 'its payload cannot be decoded; pack it again',
  badAdapter: 'it decodes to another adapter than was packed; pack it again',
  flashFailed: "the board's flash cannot be written",
  emptySlot: 'nothing is saved there',
  nothingOnTrial: 'nothing there waits for a decision',
};

/** Sends a signed delta and has it installed. */
export async function applyDelta(
  bytes: Uint8Array,
  file: string,
  open: OpenBoardLink,
  options: ApplyOptions = {},
): Promise<Applied> {
  const delta = readDelta(bytes, file);
  if (delta.signature === undefined) {
    throw new RetuneError(`${file}: is not signed; sign it with \`retune delta sign\``);
  }
  const slot = options.slot ?? delta.slot;
  if (slot === ANY_SLOT) throw new RetuneError(`${file}: names no slot; say --slot 0 to 7`);
  return withDelta(open, options, async (client) => {
    const resumedAt = await send(client, bytes, file, options.onProgress);
    const wanted = { slot, crc: delta.blobCrc, counter: delta.counter };
    const counter = await finish(client, wanted, file);
    return { device: client.deviceId, slot, counter, resumedAt };
  });
}

async function withDelta<T>(
  open: OpenBoardLink,
  { device, timeout = DEFAULT_TIMEOUT_S }: Pick<DeviceOptions, 'device' | 'timeout'>,
  work: (client: ServiceClient) => Promise<T>,
): Promise<T> {
  const client = await ServiceClient.connect(open, DELTA_SERVICE, { device, timeout });
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

function statusOf(number: number): Status {
  const found = Object.entries(STATUS).find(([, value]) => value === number);
  if (found === undefined) throw new RetuneError(`the device answers with status ${number}`);
  return found[0] as Status;
}

function expectOk(number: number, what: string, client: ServiceClient): void {
  const status = statusOf(number);
  if (status === 'ok') return;
  const advice = ADVICE[status] ?? `status ${status}`;
  throw new RefusedError(status, `${what}: device ${client.deviceId} refused it: ${advice}`);
}

function expectBytes(report: Buffer, bytes: number): Buffer {
  if (report.length >= bytes) return report;
  throw new RetuneError(`the device answers with ${report.length} bytes instead of ${bytes}`);
}

/** @returns where it went on */
async function send(
  client: ServiceClient,
  bytes: Uint8Array,
  file: string,
  onProgress: ApplyOptions['onProgress'],
): Promise<number> {
  const announcement = Buffer.alloc(36);
  announcement.writeUInt32LE(bytes.length, 0);
  announcement.set(createHash('sha256').update(bytes).digest(), 4);
  const begin = async (): Promise<number> => {
    const report = expectBytes(await client.call(COMMAND.begin, announcement), 6);
    expectOk(report.readUInt16LE(4), file, client);
    return report.readUInt32LE(0);
  };
  const start = await begin();
  let offset = start;
  for (let repeats = 0; offset < bytes.length && repeats < MOST_REPEATS;) {
    onProgress?.(offset, bytes.length);
    const report = expectBytes(await client.call(COMMAND.data, piece(bytes, offset)), 6);
    const status = statusOf(report.readUInt16LE(4));
    const next = report.readUInt32LE(0);
    if (status === 'ok' && next > offset && next <= bytes.length) offset = next;
    else {
      repeats++;
      // after a reset it knows what it has, but not that a file is under way
      if (status === 'notBegun') offset = await begin();
      else if (status === 'wrongOffset' && next <= bytes.length) offset = next;
      else if (status !== 'ok') expectOk(report.readUInt16LE(4), file, client);
    }
  }
  onProgress?.(offset, bytes.length);
  if (offset < bytes.length) {
    throw new RetuneError(`${file}: the device takes no more than ${offset} bytes; reset it`);
  }
  return start;
}

function piece(bytes: Uint8Array, offset: number): Uint8Array {
  const part = bytes.subarray(offset, offset + PIECE_BYTES);
  const payload = Buffer.alloc(4 + part.length);
  payload.writeUInt32LE(offset, 0);
  payload.set(part, 4);
  return payload;
}

interface Wanted {
  slot: number;
  crc: number;
  counter: number;
}

/**
 * The answer may be lost: then the slot tells whether all went well, and if not it is asked for
 * again.
 */
async function finish(client: ServiceClient, wanted: Wanted, file: string): Promise<number> {
  const command = Uint8Array.of(wanted.slot);
  for (let attempt = 1; ; attempt++) {
    const isLast = attempt === FINISH_ATTEMPTS;
    let report: Buffer;
    try {
      report = await client.call(COMMAND.finish, command, { againMs: FINISH_MS, attempts: 1 });
    } catch (error) {
      if (!(error instanceof SilenceError)) throw error;
      if (await isInstalled(client, wanted)) return wanted.counter;
      if (isLast) throw error;
      continue;
    }
    const status = statusOf(expectBytes(report, 6).readUInt16LE(4));
    if (status === 'ok') return report.readUInt32LE(0);
    // still at work on the one before
    if (status === 'busy' && attempt > 1 && !isLast) await client.pause(AT_WORK_MS);
    else if (status === 'notBegun' && attempt > 1) return afterwards(client, wanted, file);
    // it was installed before, and whoever sent it has not heard so
    else if (status === 'oldCounter' && (await isInstalled(client, wanted))) return wanted.counter;
    else expectOk(report.readUInt16LE(4), file, client);
  }
}

/** It has come to an end, and nobody heard which. */
async function afterwards(client: ServiceClient, wanted: Wanted, file: string): Promise<number> {
  if (await isInstalled(client, wanted)) return wanted.counter;
  throw new RetuneError(
    `${file}: device ${client.deviceId} has refused it, and its reason was lost; repeat`,
  );
}

async function isInstalled(client: ServiceClient, wanted: Wanted): Promise<boolean> {
  const { status, crc, counter } = await describe(client, wanted.slot, 0);
  return status === 'ok' && crc === wanted.crc && counter === wanted.counter;
}

const STATES = ['empty', 'kept', 'fresh', 'trial'] as const;

export interface SlotDescription {
  status: Status;
  state: (typeof STATES)[number];
  /** Of the adapter's blob. */
  bytes: number;
  crc: number;
  /** Of the delta that it came with; 0: it was trained on the board. */
  counter: number;
  name: string;
}

async function describe(
  client: ServiceClient,
  slot: number,
  back: number,
): Promise<SlotDescription> {
  const report = expectBytes(await client.call(COMMAND.describe, Uint8Array.of(slot, back)), 13);
  return {
    status: statusOf(report.readUInt16LE(0)),
    bytes: report.readUInt16LE(2),
    crc: report.readUInt32LE(4),
    counter: report.readUInt32LE(8),
    state: STATES[report.readUInt8(12)] ?? 'empty',
    name: report.toString('utf8', 13),
  };
}

/** Reads a saved adapter out of a slot, `back` versions before the newest. */
export function readAdapter(
  slot: number,
  back: number,
  open: OpenBoardLink,
  options: Pick<DeviceOptions, 'device' | 'timeout'> = {},
): Promise<Uint8Array> {
  return withDelta(open, options, async (client) => {
    const pieces: Buffer[] = [];
    let offset = 0;
    let total = BLOB_HEADER_BYTES;
    while (offset < total) {
      const command = Buffer.alloc(6);
      command.writeUInt32LE(offset, 0);
      command.writeUInt8(slot, 4);
      command.writeUInt8(back, 5);
      const report = expectBytes(await client.call(COMMAND.read, command), 6);
      expectOk(report.readUInt16LE(4), `slot ${slot}`, client);
      total = report.readUInt32LE(0);
      const part = report.subarray(6);
      if (part.length === 0) break;
      pieces.push(part);
      offset += part.length;
    }
    const blob = Uint8Array.from(Buffer.concat(pieces));
    const adapter = readBlob(blob);
    if (typeof adapter === 'string') {
      throw new RetuneError(`slot ${slot} of device ${client.deviceId}: what it holds ${adapter}`);
    }
    return blob;
  });
}

export interface DeviceState {
  device: string;
  /** Highest counter that was installed. */
  counter: number;
  /** 32 bytes; undefined: the board has no owner. */
  owner?: Uint8Array;
  /** Slots that are not empty. */
  slots: (SlotDescription & { slot: number })[];
}

/** What a board holds. */
export function readDevice(
  open: OpenBoardLink,
  options: Pick<DeviceOptions, 'device' | 'timeout'> = {},
): Promise<DeviceState> {
  return withDelta(open, options, async (client) => {
    const counter = expectBytes(await client.readRegister(REGISTER.counter), 4).readUInt32LE(0);
    const owner = Uint8Array.from(await client.readRegister(REGISTER.owner));
    const slots = [];
    for (let slot = 0; slot < 8; slot++) {
      const found = await describe(client, slot, 0);
      if (found.status === 'ok' && found.state !== 'empty') slots.push({ slot, ...found });
    }
    return {
      device: client.deviceId,
      counter,
      owner: owner.length === 0 ? undefined : owner,
      slots,
    };
  });
}

/** Checksum of a blob as people see it. */
export const crcText = (blob: Uint8Array): string => blobCrc(blob).toString(16).padStart(8, '0');
