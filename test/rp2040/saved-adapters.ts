/** The adapters in a flash image, read as docs/store.md describes it: what the firmware must find. */
import { readBoard } from '../../compiler/board.ts';
import { join } from 'node:path';
import { projectRoot } from '../../compiler/toolchain.ts';
import { readStore } from '../../fleet/store-image.ts';

export interface SavedVersion {
  /** Of the slot, as its record says. */
  saves: number;
  payload: Uint8Array;
}

const KEY_ADAPTER = 0x0100;
const SLOTS = 8;
/** Offset in the metadata before an adapter (native/store/adapter_record.h). */
const SAVES_AT = 28;

const { flash } = readBoard(join(projectRoot, 'boards/rp2040_pico.board.json'));

/** The newest version of each slot that has one. @param image the whole chip */
export function readAdapters(image: Uint8Array): Map<number, SavedVersion> {
  const region = image.slice(flash.storeOffset, flash.storeOffset + flash.storeBytes);
  const found = new Map<number, SavedVersion>();
  for (const { key, versions } of readStore(region)) {
    const payload = versions[0]?.payload;
    const slot = key - KEY_ADAPTER;
    if (payload === undefined || slot < 0 || slot >= SLOTS) continue;
    found.set(slot, { saves: Buffer.from(payload).readUInt32LE(SAVES_AT), payload });
  }
  return found;
}
