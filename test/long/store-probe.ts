/** The store of a simulated board, looked at and filled from outside between two of its steps. */
import type { Firmware } from '../../sim/firmware.ts';
import type { Random } from '../../sim/random.ts';

/** Of native/store/store.h. */
const KEY_ADAPTER = 0x100;
/** Settings that nothing else uses. */
const KEY_FILLER = 0x1080;
const FILLERS = 64;
const NO_SLOT = 255;
/** Slots that src/keyword.ts saves to. */
const APP_SLOTS = [0, 1];
const VERSIONS = 2;
/** What lies before the adapter in its record (native/store/adapter_record.h). */
const METADATA_BYTES = 72;
const STATS_BYTES = 28;
const FILLER_BYTES = 4000;

export interface StoreStats {
  sectors: number;
  free: number;
  retired: number;
  records: number;
  keys: number;
  leastErases: number;
  mostErases: number;
  commits: number;
}

export class StoreProbe {
  constructor(private readonly firmware: Firmware) {}

  stats(): StoreStats {
    const { firmware } = this;
    const at = firmware.allocate(STATS_BYTES);
    firmware.call('rt_store_stats', at);
    const bytes = Buffer.from(firmware.u8(at, STATS_BYTES));
    const [sectors, free, retired, records, keys] = [0, 2, 4, 6, 8].map((offset) =>
      bytes.readUInt16LE(offset),
    ) as [number, number, number, number, number];
    const [leastErases, mostErases, commits] = [12, 16, 24].map((offset) =>
      bytes.readUInt32LE(offset),
    ) as [number, number, number];
    return { sectors, free, retired, records, keys, leastErases, mostErases, commits };
  }

  /** Changes bits of the adapter that was saved last; false when there is none. */
  damageNewestAdapter(count: number, random: Random): boolean {
    const { firmware } = this;
    const slot = firmware.call('rt_store_newest');
    if (slot === NO_SLOT) return false;
    const out = firmware.allocate(8);
    if (firmware.call('rt_store_get', KEY_ADAPTER + slot, out, out + 4) !== 0) return false;
    const [at, bytes] = firmware.u32(out, 2) as unknown as [number, number];
    for (let n = 0; n < count; n++) {
      const byte = firmware.u8(at + random.below(bytes), 1);
      byte[0] = (byte[0] as number) ^ (1 << random.below(8));
    }
    return true;
  }

  /** The adapters in the app's slots that are whole, as saved: newest and older versions. */
  soundAdapters(): Uint8Array[] {
    const { firmware } = this;
    const out = firmware.allocate(8);
    const found: Uint8Array[] = [];
    for (const slot of APP_SLOTS) {
      for (let back = 0; back < VERSIONS; back++) {
        const key = KEY_ADAPTER + slot;
        if (firmware.call('rt_store_get_version', key, back, out, out + 4) !== 0) continue;
        const [at, bytes] = firmware.u32(out, 2) as unknown as [number, number];
        found.push(firmware.u8(at + METADATA_BYTES, bytes - METADATA_BYTES).slice());
      }
    }
    return found;
  }

  /** Writes records until there is no room for one more; returns how many. */
  fill(): number {
    const { firmware } = this;
    this.disarm();
    const data = firmware.allocate(FILLER_BYTES);
    const part = firmware.allocate(8);
    firmware.u32(part, 2).set([data, FILLER_BYTES]);
    for (let n = 0; n < FILLERS; n++) {
      if (firmware.call('rt_store_put', KEY_FILLER + n, part, 1) !== 0) return n;
    }
    return FILLERS;
  }

  /** Takes them away again; returns how many there were. */
  clear(): number {
    let dropped = 0;
    this.disarm();
    for (let n = 0; n < FILLERS; n++) {
      if (this.firmware.call('rt_store_drop', KEY_FILLER + n) === 0) dropped++;
    }
    return dropped;
  }

  /** A power cut that waits for the board's next write must not hit ours. */
  private disarm(): void {
    this.firmware.call('rt_sim_cut_power_at', 0);
  }
}
