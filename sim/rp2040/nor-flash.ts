/**
 * A NOR flash chip as its data sheet describes it (Winbond W25Q16JV): commands byte by byte, busy
 * while it works, bits only cleared by programming and only set by erasing, and what a power cut
 * leaves when it comes in between.
 */
import { Random } from '../random.ts';

export const PAGE_BYTES = 256;
export const SECTOR_BYTES = 4096;

/** Typical times of the data sheet. */
export const PROGRAM_NANOS = 400_000;
export const ERASE_SECTOR_NANOS = 45_000_000;
export const ERASE_BLOCK_NANOS = 150_000_000;
const WRITE_STATUS_NANOS = 10_000_000;

const BUSY = 1;
const WRITE_ENABLED = 2;
const QUAD_ENABLED = 2;

export interface FlashOperation {
  kind: 'program' | 'erase';
  offset: number;
  bytes: number;
  /** Counts from 0 since the chip was made. */
  index: number;
}

interface Running extends FlashOperation {
  startNanos: number;
  endNanos: number;
  /** What was there before. */
  before: Uint8Array;
}

export class NorFlash {
  /** Reads in place: the chip expects addresses without a command. */
  isContinuous = false;
  operations = 0;
  erasesOfSector = new Map<number, number>();
  /** Called when an operation starts; tests cut the power here. */
  onOperation?: (operation: FlashOperation) => void;

  private command: number[] = [];
  private isSelected = false;
  private status1 = 0;
  private status2 = 0;
  private running?: Running;

  /**
   * @param data the chip's contents, changed in place
   * @param nanos time now
   * @param id the 64-bit number that command 4Bh reads
   */
  constructor(
    readonly data: Uint8Array,
    private readonly nanos: () => number,
    private readonly id: bigint,
  ) {}

  get isBusy(): boolean {
    if (this.running && this.nanos() >= this.running.endNanos) this.running = undefined;
    return this.running !== undefined;
  }

  get isQuadEnabled(): boolean {
    return (this.status2 & QUAD_ENABLED) !== 0;
  }

  /** The select line. A command that writes takes effect when the chip is deselected. */
  select(isSelected: boolean): void {
    if (this.isSelected && !isSelected) this.finish();
    if (!this.isSelected && isSelected) this.command = [];
    this.isSelected = isSelected;
  }

  /** One byte in both directions. */
  transfer(byte: number): number {
    const at = this.command.length;
    this.command.push(byte);
    const [command = 0] = this.command;
    if (this.isContinuous) return 0xff;
    if (command === 0x05) return at > 0 ? this.readStatus1() : 0xff;
    if (command === 0x35) return at > 0 ? this.status2 : 0xff;
    if (this.isBusy) return 0xff;
    if (command === 0x4b && at >= 5) return Number((this.id >> BigInt(8 * (at - 5))) & 0xffn);
    if (command === 0x9f && at > 0) return [0xef, 0x40, 0x15][at - 1] ?? 0xff;
    if (command === 0x03 && at >= 4)
      return this.data[(this.address() + at - 4) % this.data.length]!;
    return 0xff;
  }

  /** Takes over the state of the chip that this one stands for. */
  inherit(other: NorFlash): void {
    this.operations = other.operations;
    this.erasesOfSector = other.erasesOfSector;
    this.onOperation = other.onOperation;
    this.status2 = other.status2;
  }

  /** Power goes away: what was under way stays half done. */
  cutPower(seed: number): void {
    const { running } = this;
    if (running && this.isBusy) {
      const share = (this.nanos() - running.startNanos) / (running.endNanos - running.startNanos);
      tear(this.data, running, share, new Random(seed));
    }
    this.running = undefined;
    this.isContinuous = false;
    this.isSelected = false;
    this.command = [];
    this.status1 = 0;
  }

  private readStatus1(): number {
    return (this.isBusy ? BUSY : 0) | this.status1;
  }

  private address(): number {
    const [, a = 0, b = 0, c = 0] = this.command;
    return (a << 16) | (b << 8) | c;
  }

  private finish(): void {
    const { command } = this;
    const [code = 0xff] = command;
    if (this.isContinuous) {
      // Mode bits that do not ask for more end the continuous read.
      if (command.length > 0 && command.every((byte) => byte === 0xff)) this.isContinuous = false;
      return;
    }
    if (this.isBusy) return;
    const isEnabled = (this.status1 & WRITE_ENABLED) !== 0;
    if (code === 0x06) this.status1 |= WRITE_ENABLED;
    if (code === 0x04) this.status1 &= ~WRITE_ENABLED;
    if (code === 0xeb && (command[4] ?? 0) === 0xa0 && this.isQuadEnabled) this.isContinuous = true;
    if (!isEnabled) return;
    if (code === 0x01 && command.length >= 3) this.writeStatus(command[2] ?? 0);
    if (code === 0x31 && command.length >= 2) this.writeStatus(command[1] ?? 0);
    if (code === 0x02 && command.length > 4) this.program(command.slice(4));
    if (code === 0x20) this.erase(SECTOR_BYTES, ERASE_SECTOR_NANOS);
    if (code === 0x52) this.erase(32768, ERASE_BLOCK_NANOS);
    if (code === 0xd8) this.erase(65536, ERASE_BLOCK_NANOS);
  }

  private writeStatus(status2: number): void {
    this.status2 = status2;
    this.status1 &= ~WRITE_ENABLED;
    const startNanos = this.nanos();
    const endNanos = startNanos + WRITE_STATUS_NANOS;
    const none = { kind: 'program' as const, offset: 0, bytes: 0, index: -1 };
    this.running = { ...none, startNanos, endNanos, before: new Uint8Array() };
  }

  /** Within one page; beyond its end it goes on at its start. Bits can only be cleared. */
  private program(bytes: number[]): void {
    const address = this.address() % this.data.length;
    const page = address & ~(PAGE_BYTES - 1);
    const before = this.begin('program', page, PAGE_BYTES, PROGRAM_NANOS);
    const last = bytes.slice(-PAGE_BYTES);
    const start = (address & (PAGE_BYTES - 1)) + bytes.length - last.length;
    last.forEach((byte, i) => {
      const at = (start + i) & (PAGE_BYTES - 1);
      this.data[page + at] = before[at]! & byte;
    });
  }

  private erase(bytes: number, nanos: number): void {
    const offset = (this.address() % this.data.length) & ~(bytes - 1);
    this.begin('erase', offset, bytes, nanos);
    this.data.fill(0xff, offset, offset + bytes);
    for (let at = offset; at < offset + bytes; at += SECTOR_BYTES) {
      const sector = at / SECTOR_BYTES;
      this.erasesOfSector.set(sector, (this.erasesOfSector.get(sector) ?? 0) + 1);
    }
  }

  private begin(
    kind: FlashOperation['kind'],
    offset: number,
    bytes: number,
    nanos: number,
  ): Uint8Array {
    this.status1 &= ~WRITE_ENABLED;
    const before = this.data.slice(offset, offset + bytes);
    const operation = { kind, offset, bytes, index: this.operations };
    const startNanos = this.nanos();
    this.operations += 1;
    this.running = { ...operation, startNanos, endNanos: startNanos + nanos, before };
    this.onOperation?.(operation);
    return before;
  }
}

/** How a power cut leaves an operation; which of them is as likely as the others. */
type Tear = (before: number, after: number, place: number) => number;

/**
 * What is left at `share` of an operation's time: as many of the bits changed, anywhere; or as many
 * of the bytes, from the start on; or, of an erase, cells still being cleared before all are set.
 */
function tear(data: Uint8Array, running: Running, share: number, random: Random): void {
  const { offset, before, kind } = running;
  const chance = (): boolean => random.next() / 2 ** 32 < share;
  const bits = (): number => {
    let mask = 0;
    for (let bit = 1; bit < 256; bit <<= 1) if (chance()) mask |= bit;
    return mask;
  };
  const tears: Tear[] = [
    (old, after) => old ^ ((old ^ after) & bits()),
    (old, after, place) => (place < share * before.length ? after : old),
    ...(kind === 'erase' ? [(old: number) => old & ~bits()] : []),
  ];
  const torn = tears[random.below(tears.length)]!;
  before.forEach((old, i) => (data[offset + i] = torn(old, data[offset + i]!, i)));
}
