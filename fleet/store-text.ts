/** What a flash image's store holds, for people: `retune store inspect`. */
import Table from 'cli-table3';
import { RetuneError } from '../cli/error.ts';
import type { Board } from '../compiler/board.ts';
import { methodName } from './blob.ts';
import {
  ADAPTER_SLOTS,
  KEY_ADAPTER,
  KEY_ADAPTER_STATE,
  readAdapterRecord,
  readStoreImage,
  STATES,
  type StoredRecord,
  type StoredVersion,
  type StoreImage,
} from './store-image.ts';

/** Below the flash of the boards there are; a file that is larger is none. */
export const LARGEST_IMAGE_BYTES = 16 << 20;

/** The store's region of an image: of the whole flash, or of the region alone. */
export function regionOf(image: Uint8Array, { name, flash, flashBytes }: Board): Uint8Array {
  const { storeOffset, storeBytes } = flash;
  if (image.length === storeBytes) return image;
  if (image.length === flashBytes) return image.slice(storeOffset, storeOffset + storeBytes);
  throw new RetuneError(
    `an image of ${name}'s flash has ${flashBytes} bytes, one of its store ${storeBytes}; ` +
      `this file has ${image.length}: name the board that it was read from with --board`,
  );
}

const KEYS: [first: number, count: number, name: string][] = [
  [KEY_ADAPTER, ADAPTER_SLOTS, 'adapter'],
  [KEY_ADAPTER_STATE, ADAPTER_SLOTS, 'states of adapter'],
  [0x0200, 1, 'counter of deltas'],
  [0x0201, 1, 'counter of programs'],
  [0x0210, 1, 'owner'],
  [0x0220, 1, 'transfer'],
  [0x0230, 1, 'place of the program'],
  [0x1000, 256, 'setting'],
];

/** `adapter 3`, `owner`, or the key. */
export function keyName(key: number): string {
  const hex = `0x${key.toString(16).padStart(4, '0')}`;
  const known = KEYS.find(([first, count]) => key >= first && key < first + count);
  if (known === undefined) return hex;
  const [first, count, name] = known;
  return count === 1 ? name : `${name} ${key - first}`;
}

const INLINE_SHOWN = 24;
/** Of one version, under KEY_ADAPTER_STATE: number, state, three zeros. */
const STATE_BYTES = 8;

/** What was said last of a version's state; undefined: nothing since it was written. */
function stateSaid(records: StoredRecord[], slot: number, number: number): string | undefined {
  const said = records.find(({ key }) => key === KEY_ADAPTER_STATE + slot)?.versions ?? [];
  const bytes = Buffer.from(said.find(({ isDamaged }) => !isDamaged)?.payload ?? []);
  for (let at = 0; at + STATE_BYTES <= bytes.length; at += STATE_BYTES) {
    if (bytes.readUInt32LE(at) === number) return STATES[bytes[at + 4] ?? 0];
  }
  return undefined;
}

function describePayload(records: StoredRecord[], key: number, version: StoredVersion): string {
  const { payload, isDamaged } = version;
  if (isDamaged) return 'damaged';
  const isAdapter = key >= KEY_ADAPTER && key < KEY_ADAPTER + ADAPTER_SLOTS;
  const record = isAdapter ? readAdapterRecord(payload) : undefined;
  if (record === undefined) {
    const hex = Buffer.from(payload.subarray(0, INLINE_SHOWN)).toString('hex');
    return payload.length > INLINE_SHOWN ? `${hex}…` : hex;
  }
  const { name, method, rank, source, heldOut, rightBefore, rightAfter } = record;
  const state = stateSaid(records, key - KEY_ADAPTER, version.number) ?? record.state;
  const parts = [
    name === '' ? 'no name' : `"${name.replace(/\p{Cc}/gu, ' ')}"`,
    `${methodName(method) ?? `method ${method}`} of rank ${rank}`,
    `${source}, ${state}`,
    `model ${record.modelHash.toString(16).padStart(8, '0')}`,
  ];
  if (heldOut > 0) parts.push(`${rightBefore} before, ${rightAfter} after of ${heldOut}`);
  if (record.deltaCounter > 0) parts.push(`delta ${record.deltaCounter}`);
  return parts.join(', ');
}

function summary(image: StoreImage): string {
  const { generation, logSector, usedSlots, mendedSlots, voidSlots, erases } = image;
  const known = erases.filter((count) => count !== undefined);
  const lines = [
    `log sector ${logSector}, generation ${generation}, ${usedSlots} of 64 slots used` +
      (voidSlots.length > 0 ? `, ${voidSlots.length} void` : '') +
      (mendedSlots.length > 0 ? `, ${mendedSlots.length} with a changed bit` : ''),
    `${erases.length} sectors for payloads, erased ${Math.min(...known)} to ${Math.max(...known)} times` +
      (known.length < erases.length ? `, ${erases.length - known.length} retired` : ''),
  ];
  return lines.join('\n');
}

/** A table of all versions, and what the log says of itself. */
export function storeText(region: Uint8Array): string {
  const image = readStoreImage(region);
  if (image.generation === 0) return 'the store is empty: nothing was ever saved';
  const table = new Table({
    head: ['what', 'version', 'bytes', ''],
    colAligns: ['left', 'right', 'right', 'left'],
    style: { head: [], border: [], compact: true },
  });
  for (const { key, versions } of image.records) {
    versions.forEach((version, i) => {
      const what = i === 0 ? keyName(key) : '  the one before';
      const { number, payload } = version;
      table.push([what, number, payload.length, describePayload(image.records, key, version)]);
    });
  }
  return `${table.toString()}\n${summary(image)}`;
}

/** The same for programs; payloads in hexadecimal. */
export function storeJson(region: Uint8Array): unknown {
  const { records, erases, ...log } = readStoreImage(region);
  const version = ({ number, payload, isDamaged, offset }: StoredVersion): unknown => {
    return { number, isDamaged, offset, payload: Buffer.from(payload).toString('hex') };
  };
  const record = ({ key, versions }: StoredRecord): unknown => {
    return { key, name: keyName(key), versions: versions.map(version) };
  };
  return { ...log, erases: erases.map((count) => count ?? null), records: records.map(record) };
}

/** The adapter of a slot as `save` wrote it, the newest that is undamaged. */
export function adapterBlob(region: Uint8Array, slot: number): Uint8Array {
  const { records } = readStoreImage(region);
  const versions = records.find(({ key }) => key === KEY_ADAPTER + slot)?.versions ?? [];
  if (versions.length === 0) throw new RetuneError(`slot ${slot} is empty; name another one`);
  for (const { payload, isDamaged } of versions) {
    const record = isDamaged ? undefined : readAdapterRecord(payload);
    if (record !== undefined) return record.blob;
  }
  throw new RetuneError(`every version in slot ${slot} is damaged; name another slot`);
}
