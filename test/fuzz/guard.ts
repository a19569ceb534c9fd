import { Firmware } from '../../sim/firmware.ts';

const GUARD = 0xa5;
const GUARD_BYTES = 64;

interface Piece {
  firmware: Firmware;
  at: number;
}

/**
 * Runs `body` while every allocation in the firmware's memory is followed by guard bytes, and fails
 * when one of them has changed afterwards: WebAssembly traps only at the end of the whole memory.
 */
export async function guarded<T>(body: () => Promise<T> | T): Promise<T> {
  const original = Firmware.prototype.allocate;
  const pieces: Piece[] = [];
  Firmware.prototype.allocate = function allocate(this: Firmware, bytes: number): number {
    const at = original.call(this, bytes + GUARD_BYTES);
    this.u8(at + bytes, GUARD_BYTES).fill(GUARD);
    pieces.push({ firmware: this, at: at + bytes });
    return at;
  };
  try {
    return await body();
  } finally {
    Firmware.prototype.allocate = original;
    for (const { firmware, at } of pieces) {
      if (!firmware.u8(at, GUARD_BYTES).every((v) => v === GUARD)) {
        throw new Error('wrote behind the memory it was given');
      }
    }
  }
}
