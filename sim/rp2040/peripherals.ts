/** Peripherals that rp2040js has as stubs or not at all, and small corrections of others. */
import { BasePeripheral, type Peripheral, type RP2040 } from 'rp2040js';
import { Random } from '../random.ts';
import type { NorFlash } from './nor-flash.ts';

const CTRLR0 = 0x00;
const SSIENR = 0x08;
const SER = 0x10;
const SR = 0x28;
const DR0 = 0x60;
const SPI_CTRLR0 = 0xf4;
const SR_TFNF_TFE = 0x6;
const SR_RFNE = 0x8;

/** The serial interface in front of the flash: commands byte by byte, or reads in place. */
export class FlashInterface extends BasePeripheral {
  private registers = new Map<number, number>([[SER, 0]]);
  private received: number[] = [];
  private frames: number[] = [];
  /** Of the select line: 2 forces it low, 3 high, 0 leaves it to the interface. */
  private override = 0;
  private isSending = false;

  constructor(
    rp2040: RP2040,
    private readonly flash: NorFlash,
    private readonly changed: () => void,
  ) {
    super(rp2040, 'SSI');
  }

  /** Whether the flash can be read like memory, as both sides are set up now. */
  get isReadable(): boolean {
    const shape = this.get(SPI_CTRLR0);
    if (this.get(SSIENR) === 0 || this.flash.isBusy || this.override !== 0) return false;
    const command = shape >>> 24;
    const instructionBits = (shape >> 8) & 3;
    const isQuad = ((this.get(CTRLR0) >> 21) & 3) === 2;
    if (this.flash.isContinuous) {
      return isQuad && command === 0xa0 && instructionBits === 0 && (shape & 3) === 2;
    }
    return !isQuad && command === 0x03 && instructionBits === 2;
  }

  /** OUTOVER of the select line. */
  setOverride(value: number): void {
    if (value === this.override) return;
    this.override = value;
    this.isSending = false;
    this.flash.select(value === 2);
    this.changed();
  }

  private get(register: number): number {
    return this.registers.get(register) ?? 0;
  }

  override readUint32(offset: number): number {
    if (offset === SR) {
      this.settle();
      return SR_TFNF_TFE | (this.received.length > 0 ? SR_RFNE : 0);
    }
    if (offset === DR0) return this.received.shift() ?? 0;
    return this.get(offset);
  }

  override writeUint32(offset: number, value: number): void {
    if (offset === DR0) {
      this.send(value >>> 0);
      return;
    }
    this.registers.set(offset, value);
    if (offset === SSIENR) {
      this.settle();
      this.received = [];
    }
    this.changed();
  }

  /** Software that looks at the status waits for the end: then the line goes up. */
  private settle(): void {
    if (this.frames.length > 0) this.sendQuad();
    if (!this.isSending) return;
    this.isSending = false;
    this.flash.select(false);
    this.changed();
  }

  private send(value: number): void {
    if (this.get(SSIENR) === 0) return;
    const isQuad = ((this.get(CTRLR0) >> 21) & 3) === 2;
    if (isQuad) {
      this.frames.push(value);
      return;
    }
    if (this.override === 0 && !this.isSending) {
      this.isSending = true;
      this.flash.select(true);
    }
    this.received.push(this.flash.transfer(value & 0xff));
  }

  /** Command, then address and mode bits in one word. */
  private sendQuad(): void {
    const [command = 0, address = 0] = this.frames;
    this.frames = [];
    this.flash.select(true);
    this.flash.transfer(command & 0xff);
    for (let shift = 24; shift >= 0; shift -= 8) this.flash.transfer((address >>> shift) & 0xff);
    this.flash.select(false);
    this.changed();
  }
}

/** The flash's pins: only the select line's override does something. */
export class FlashPins extends BasePeripheral {
  private readonly controls = new Map<number, number>();

  constructor(
    rp2040: RP2040,
    private readonly ssi: FlashInterface,
  ) {
    super(rp2040, 'IO_QSPI');
  }

  override readUint32(offset: number): number {
    return this.controls.get(offset) ?? 0;
  }

  override writeUint32(offset: number, value: number): void {
    this.controls.set(offset, value);
    if (offset === 0x0c) this.ssi.setOverride((value >> 8) & 3);
  }
}

/** Registers that hold what was written. */
export class PlainRegisters extends BasePeripheral {
  readonly values = new Map<number, number>();

  override readUint32(offset: number): number {
    return this.values.get(offset) ?? 0;
  }

  override writeUint32(offset: number, value: number): void {
    this.values.set(offset, value);
  }
}

/** The ring oscillator: noise at RANDOMBIT, the same for the same seed. */
export class RingOscillator extends PlainRegisters {
  private readonly random: Random;

  constructor(rp2040: RP2040, seed: number) {
    super(rp2040, 'ROSC');
    this.random = new Random(seed);
  }

  override readUint32(offset: number): number {
    return offset === 0x1c ? this.random.next() >>> 31 : super.readUint32(offset);
  }
}

/** A peripheral of rp2040js with some registers added. */
export class Extended implements Peripheral {
  private readonly added: PlainRegisters;

  constructor(
    rp2040: RP2040,
    private readonly inner: Peripheral,
    private readonly offsets: ReadonlySet<number>,
    private readonly written?: (offset: number, value: number) => void,
  ) {
    this.added = new PlainRegisters(rp2040, 'added');
  }

  readUint32(offset: number): number {
    return (this.offsets.has(offset) ? this.added : this.inner).readUint32(offset);
  }

  writeUint32(offset: number, value: number): void {
    this.writeUint32Atomic(offset, value, 0);
  }

  writeUint32Atomic(offset: number, value: number, atomicType: number): void {
    const target = this.offsets.has(offset) ? this.added : this.inner;
    target.writeUint32Atomic(offset, value, atomicType);
    this.written?.(offset, this.added.values.get(offset) ?? value);
  }

  /** Value of an added register. */
  value(offset: number): number {
    return this.added.values.get(offset) ?? 0;
  }
}
