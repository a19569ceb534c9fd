/**
 * Buffers that the manifest wants in a memory bank of their own: the arena is then one piece whose
 * end lies in the bank, so that the engine knows nothing of it.
 *
 * Of the RP2040's banks only SRAM4 can be asked for. SRAM0 to 3 are striped word by word, which
 * spreads the load of core and DMA over all four; seen unstriped (from 0x21000000 on) a buffer of n
 * bytes in one of them would take the words of 4 n striped bytes from everything else. SRAM4 and 5
 * follow the striped memory directly. The stack lies in both of them, and keeps SRAM5.
 */
import { RetuneError } from '../cli/error.ts';
import {
  alignUp,
  planArena,
  type ArenaPlan,
  type Overlay,
  type PlanBuffer,
  type PlanOptions,
} from './arena.ts';

export interface Bank {
  name: string;
  address: number;
  bytes: number;
}

const BANKS: Record<string, Bank[]> = {
  rp2040: [{ name: 'sram4', address: 0x20040000, bytes: 4096 }],
};

/** Banks of a chip that buffers can be pinned to. */
export const banksOf = (archId: string | undefined): Bank[] => BANKS[archId ?? ''] ?? [];

/** "memory.pin" of the manifest, with what it may name. */
export interface Pins {
  /** Bank by buffer, both by name. */
  wanted: Record<string, string>;
  banks: Bank[];
}

export interface PinnedBank extends Bank {
  /** Where in the arena the bank begins. */
  offset: number;
  /** What is taken of it. */
  used: number;
}

export interface PinnedPlan extends ArenaPlan {
  bank?: PinnedBank;
}

/** The manifest's pins as buffers in banks; `nameOf`: the name that the memory plan prints. */
function resolve(
  { wanted, banks }: Pins,
  buffers: PlanBuffer[],
  nameOf: (buffer: PlanBuffer) => string,
): { bank: Bank; names: Set<string> } | undefined {
  const names = new Set<string>();
  let chosen: Bank | undefined;
  for (const [name, bankName] of Object.entries(wanted)) {
    chosen = banks.find((bank) => bank.name === bankName);
    if (chosen === undefined) {
      const known = banks.map((bank) => bank.name).join(', ') || 'this board has none';
      throw new RetuneError(`"memory.pin": there is no bank "${bankName}"; banks: ${known}`);
    }
    const buffer = buffers.find((b) => nameOf(b) === name || b.name === name);
    if (buffer === undefined) {
      throw new RetuneError(
        `"memory.pin": there is no buffer "${name}"; take a name from the arena that is printed`,
      );
    }
    const together = buffers.filter((b) => b === buffer || (b.group && b.group === buffer.group));
    for (const member of together) names.add(member.name);
  }
  return chosen && { bank: chosen, names };
}

/** Plans what is pinned in the bank and everything else before it. */
export function planPinned(
  buffers: PlanBuffer[],
  options: PlanOptions,
  pins: Pins | undefined,
  nameOf: (buffer: PlanBuffer) => string,
): PinnedPlan {
  const resolved = pins && resolve(pins, buffers, nameOf);
  if (resolved === undefined) return planArena(buffers, options);
  const { bank, names } = resolved;
  const among = (list: Set<string>, wanted: boolean): Overlay[] =>
    (options.overlays ?? []).filter(
      ({ lower, upper }) => list.has(lower) === wanted && list.has(upper) === wanted,
    );
  const planOf = (wanted: boolean): ArenaPlan =>
    planArena(
      buffers.filter(({ name }) => names.has(name) === wanted),
      { ...options, overlays: among(names, wanted) },
    );
  const [main, pinned] = [planOf(false), planOf(true)];
  if (pinned.peak > bank.bytes) {
    throw new RetuneError(
      `"memory.pin": ${pinned.peak} bytes do not fit the ${bank.bytes} of ${bank.name}; ` +
        'pin fewer or smaller buffers',
    );
  }
  const offset = alignUp(main.peak, 8);
  const offsets = new Map(main.offsets);
  for (const [name, at] of pinned.offsets) offsets.set(name, offset + at);
  return {
    offsets,
    peak: offset + pinned.peak,
    lowerBound: alignUp(main.lowerBound, 8) + pinned.lowerBound,
    liveBytes: main.liveBytes + pinned.liveBytes,
    bank: { ...bank, offset, used: pinned.peak },
  };
}
