/**
 * A board at the end of a link that can be made to lose frames, double them, delay them and reset:
 * the service of services/delta.md as its twin has it (sim/delta.ts), at the level of frames.
 */
import type { OpenBoardLink } from '../../fleet/board-link.ts';
import { blobCrc } from '../../fleet/blob.ts';
import { STATUS } from '../../fleet/delta.ts';
import type { AdapterSlots } from '../../sim/adapter-slots.ts';
import { type DeltaFlash, DeltaInstaller, kindOfBlob } from '../../sim/delta.ts';
import { frameOf, packetsOf } from '../../sim/link.ts';
import { RFC_PUBLIC } from './golden.ts';

export const DEVICE = '0123456789abcdef';
const DELTA_CLASS = 0x1d3a9c52;
const OTHER_CLASS = 0x1134ea2b;
const DELTA_INDEX = 2;
const GET_REGISTER = 0x1000;
const REGISTER = { counter: 0x180, owner: 0x181 } as const;
const STATE = { kept: 1, fresh: 2, trial: 3 } as const;
const ANNOUNCE_MS = 500;
const ANSWER_MS = 2;

export interface FakeBoardOptions {
  /** A saved adapter of the kind that it takes. */
  adapter: Uint8Array;
  owner?: Uint8Array;
  /** What becomes of a frame on the wire, either way; default: it arrives. */
  fate?: (frame: number) => 'arrives' | 'lost' | 'doubled';
  /** The board resets before it takes command number `command`. */
  resets?: (command: number) => boolean;
}

export class FakeBoard {
  readonly slots: AdapterSlots = new Map();
  readonly flash: DeltaFlash = { counter: 0, owner: Buffer.from(RFC_PUBLIC, 'hex') };
  installer: DeltaInstaller;
  isBusy = false;
  /** Commands that arrived. */
  commands = 0;
  /** Bytes of files that arrived in pieces. */
  pieceBytes = 0;
  private now = 0;
  private frames = 0;
  private events: { at: number; run: () => void }[] = [];

  constructor(readonly options: FakeBoardOptions) {
    if ('owner' in options) this.flash.owner = options.owner;
    this.installer = this.boot();
  }

  boot(): DeltaInstaller {
    return (this.installer = new DeltaInstaller({
      slots: this.slots,
      flash: this.flash,
      deviceId: DEVICE,
      kind: () => kindOfBlob(this.options.adapter),
      isBusy: () => this.isBusy,
    }));
  }

  readonly link: OpenBoardLink = (onFrame) => {
    const announce = (): void => {
      const classes = Buffer.alloc(12);
      classes.writeUInt32LE(OTHER_CLASS, 4);
      classes.writeUInt32LE(DELTA_CLASS, 8);
      this.report(0, 0, classes, onFrame);
      this.at(this.now + ANNOUNCE_MS, announce);
    };
    this.events = [];
    this.at(this.now + 100, announce);
    return Promise.resolve({
      now: () => this.now,
      wait: async (ms) => this.pass(this.now + ms),
      send: (frame) => {
        for (const packet of packetsOf(frame)) {
          this.onWire(() =>
            this.take(packet.serviceIndex, packet.command, packet.payload, onFrame),
          );
        }
      },
      close: () => (this.events = []),
    });
  };

  private at(time: number, run: () => void): void {
    this.events.push({ at: time, run });
  }

  /** Ends early when something happens, as a link may. */
  private pass(limit: number): void {
    this.events.sort((a, b) => a.at - b.at);
    const [next] = this.events;
    if (next === undefined || next.at > limit) {
      this.now = limit;
      return;
    }
    this.events.shift();
    this.now = Math.max(this.now, next.at);
    next.run();
  }

  private onWire(arrive: () => void): void {
    const fate = this.options.fate?.(this.frames++) ?? 'arrives';
    const copies = { arrives: 1, lost: 0, doubled: 2 }[fate];
    for (let i = 0; i < copies; i++) this.at(this.now + ANSWER_MS, arrive);
  }

  private report(
    serviceIndex: number,
    command: number,
    payload: Uint8Array,
    onFrame: (frame: Uint8Array) => void,
  ): void {
    const frame = frameOf({ deviceId: DEVICE, flags: 0, serviceIndex, command, payload });
    this.onWire(() => onFrame(frame));
  }

  private take(
    index: number,
    command: number,
    payload: Uint8Array,
    onFrame: (frame: Uint8Array) => void,
  ): void {
    if (index !== DELTA_INDEX) return;
    if (this.options.resets?.(this.commands++) === true) {
      this.boot();
      return;
    }
    const answer = this.answer(command, Buffer.from(payload));
    if (answer !== undefined) this.report(index, command, answer, onFrame);
  }

  private answer(command: number, payload: Buffer): Uint8Array | undefined {
    const { installer } = this;
    if (command === (GET_REGISTER | REGISTER.counter)) return numbers([installer.counter, 4]);
    if (command === (GET_REGISTER | REGISTER.owner)) return this.flash.owner ?? new Uint8Array();
    switch (command) {
      case 0x80: {
        const { offset, status } = installer.begin(payload.readUInt32LE(0), payload.subarray(4));
        return numbers([offset, 4], [STATUS[status], 2]);
      }
      case 0x81: {
        this.pieceBytes += payload.length - 4;
        const { offset, status } = installer.data(payload.readUInt32LE(0), payload.subarray(4));
        return numbers([offset, 4], [STATUS[status], 2]);
      }
      case 0x82: {
        const { status } = installer.finish(payload.readUInt8(0));
        return numbers([installer.counter, 4], [STATUS[status], 2]);
      }
      case 0x85:
        return this.describe(payload.readUInt8(0), payload.readUInt8(1));
      case 0x86:
        return this.read(payload.readUInt32LE(0), payload.readUInt8(4), payload.readUInt8(5));
      default:
        return undefined;
    }
  }

  private describe(slot: number, back: number): Uint8Array {
    const found = this.installer.version(slot, back);
    if (typeof found === 'string')
      return numbers([STATUS[found], 2], [0, 2], [0, 4], [0, 4], [0, 1]);
    const { blob, counter, state, name } = found;
    const head = numbers(
      [0, 2],
      [blob.length, 2],
      [blobCrc(blob), 4],
      [counter, 4],
      [STATE[state], 1],
    );
    return Buffer.concat([head, Buffer.from(name)]);
  }

  private read(offset: number, slot: number, back: number): Uint8Array {
    const found = this.installer.version(slot, back);
    if (typeof found === 'string') return numbers([0, 4], [STATUS[found], 2]);
    const head = numbers([found.blob.length, 4], [0, 2]);
    return Buffer.concat([head, found.blob.subarray(offset, offset + 224)]);
  }
}

/** Little-endian, each with its bytes. */
function numbers(...fields: [number, number][]): Uint8Array {
  const bytes = Buffer.alloc(fields.reduce((sum, [, size]) => sum + size, 0));
  let at = 0;
  for (const [value, size] of fields) {
    bytes.writeUIntLE(value, at, size);
    at += size;
  }
  return bytes;
}
