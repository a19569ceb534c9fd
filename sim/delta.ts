/**
 * The service of services/delta.md beside the official VM: the twin of native/services/delta.c.
 * DeltaInstaller is what it does, without a bus; DeltaServer answers packets.
 */
import { createHash } from 'node:crypto';
import { type AdapterKind, blobCrc, readBlob } from '../fleet/blob.ts';
import {
  ANY_SLOT,
  type Delta,
  DeltaError,
  isSignedBy,
  readDelta,
  SLOTS,
  type Status,
  STATUS,
  unpackDelta,
} from '../fleet/delta.ts';
import { publicKeyFrom } from '../fleet/keys.ts';
import {
  type AdapterSlots,
  freshNotes,
  rollBack,
  type SavedAdapter,
  saveTo,
  versionsOf,
} from './adapter-slots.ts';
import type { ServiceSpec } from './compile.ts';
import { Endpoint, type Values } from './endpoint.ts';
import type { LearningEngine } from './learning-engine.ts';

/** Largest file; the device keeps a sector of its staging area for the decoded adapter. */
export const STAGING_BYTES = 12288;
export const PIECE_BYTES = 224;
const SHA256_BYTES = 32;
/** RT_HAL_FLASH_PAGE_BYTES */
const PAGE_BYTES = 256;

/** Enum State of services/delta.md. */
const STATE = { kept: 1, fresh: 2, trial: 3 } as const;

/** What of the service outlasts a power cycle, besides the slots. */
export interface DeltaFlash {
  /** Highest counter that was installed. */
  counter: number;
  /** The owner's public key, 32 bytes; undefined: nobody has claimed the board. */
  owner?: Uint8Array;
  /** A file under way. */
  staged?: { size: number; sha256: Uint8Array; bytes: Uint8Array };
}

/** What adapters are, and the bytes of their payload. */
export type PresentKind = AdapterKind & { payloadBytes: number };

export interface InstallerOptions {
  slots: AdapterSlots;
  flash: DeltaFlash;
  /** Sixteen hexadecimal digits. */
  deviceId: string;
  /** What the board's adapters are; undefined: its model is not adapted. */
  kind: () => PresentKind | undefined;
  /** The learner trains. */
  isBusy?: () => boolean;
}

/** A file's bytes being of no use, the staging area is cleared; these leave it as it is. */
const KEEPS_STAGING: Status[] = ['busy', 'notBegun'];

export class DeltaInstaller {
  /** Slots that were taken back at this start, a bit each. */
  readonly reverted: number;
  /** A file was announced since power on. */
  private open = false;

  constructor(private readonly options: InstallerOptions) {
    this.reverted = this.boot();
    const { staged } = options.flash;
    if (staged !== undefined) staged.bytes = found(staged.bytes);
  }

  /** Trials that nobody confirmed are taken back; what is fresh goes on trial. */
  private boot(): number {
    const { slots } = this.options;
    let reverted = 0;
    for (const slot of [...slots.keys()]) {
      const [newest] = versionsOf(slots, slot);
      if (newest?.state === 'trial') {
        takeBack(slots, slot);
        reverted |= 1 << slot;
      } else if (newest?.state === 'fresh') newest.state = 'trial';
    }
    return reverted;
  }

  get counter(): number {
    const { slots, flash } = this.options;
    const counters = [...slots.values()].flatMap((versions) => versions.map((one) => one.counter));
    return Math.max(flash.counter, ...counters);
  }

  /** Of the file that is under way since power on. */
  get received(): number {
    return this.open ? (this.options.flash.staged?.bytes.length ?? 0) : 0;
  }

  /** Slots whose newest adapter is in this state, a bit each. */
  inState(state: SavedAdapter['state']): number {
    let bits = 0;
    for (const [slot, [newest]] of this.options.slots) {
      if (newest?.state === state) bits |= 1 << slot;
    }
    return bits;
  }

  begin(size: number, sha256: Uint8Array): { status: Status; offset: number } {
    const { flash } = this.options;
    if (this.isBusy) return { status: 'busy', offset: 0 };
    if (sha256.length !== SHA256_BYTES || size === 0) return { status: 'notADelta', offset: 0 };
    if (size > STAGING_BYTES) return { status: 'tooLarge', offset: 0 };
    const { staged } = flash;
    if (staged?.size !== size || Buffer.compare(staged.sha256, sha256) !== 0) {
      flash.staged = { size, sha256: sha256.slice(), bytes: new Uint8Array() };
    }
    this.open = true;
    return { status: 'ok', offset: this.received };
  }

  data(offset: number, bytes: Uint8Array): { status: Status; offset: number } {
    const { staged } = this.options.flash;
    if (staged === undefined || !this.open) return { status: 'notBegun', offset: 0 };
    const received = staged.bytes.length;
    const fits = bytes.length > 0 && bytes.length <= PIECE_BYTES;
    if (offset !== received) return { status: 'wrongOffset', offset: received };
    if (!fits || received + bytes.length > staged.size) {
      return { status: 'tooLarge', offset: received };
    }
    staged.bytes = Uint8Array.from([...staged.bytes, ...bytes]);
    return { status: 'ok', offset: staged.bytes.length };
  }

  /** Checks the file and installs it. `reason` says what a refusal was for. */
  finish(slot: number): { status: Status; reason: string; slot: number } {
    try {
      return { status: 'ok', reason: '', slot: this.install(slot) };
    } catch (error) {
      if (!(error instanceof DeltaError)) throw error;
      const { status, message } = error;
      const waits = status === 'truncated' && this.isIncomplete;
      if (!KEEPS_STAGING.includes(status) && !waits) this.drop();
      return { status, reason: message, slot };
    }
  }

  private get isBusy(): boolean {
    return this.options.isBusy?.() === true;
  }

  private get isIncomplete(): boolean {
    const { staged } = this.options.flash;
    return staged !== undefined && staged.bytes.length < staged.size;
  }

  private drop(): void {
    this.options.flash.staged = undefined;
    this.open = false;
  }

  private install(wanted: number): number {
    const { slots, flash } = this.options;
    const { staged } = flash;
    if (this.isBusy) refuse('busy', 'the learner trains');
    if (staged === undefined || !this.open) return refuse('notBegun', 'no file was announced');
    if (this.isIncomplete) refuse('truncated', 'not all of the file has arrived');
    if (!createHash('sha256').update(staged.bytes).digest().equals(staged.sha256)) {
      refuse('wrongHash', 'other bytes arrived than were announced');
    }
    const delta = readDelta(staged.bytes, 'delta');
    this.checkSignature(delta);
    this.checkTarget(delta);
    const slot = chooseSlot(wanted, delta.slot);
    const isBase = ({ blob }: SavedAdapter): boolean => blobCrc(blob) === delta.base;
    const base = versionsOf(slots, slot).find(isBase)?.blob;
    const blob = unpackDelta(delta, 'delta', base);
    // what has not been confirmed is not worth keeping as the version to go back to
    if ((versionsOf(slots, slot)[0]?.state ?? 'kept') !== 'kept') takeBack(slots, slot);
    const { counter } = delta;
    const name = delta.name === '' ? (versionsOf(slots, slot)[0]?.name ?? '') : delta.name;
    saveTo(slots, slot, { ...freshNotes(), blob, name, counter, source: 'delta', state: 'fresh' });
    flash.counter = counter;
    this.drop();
    return slot;
  }

  private checkSignature(delta: Delta): void {
    const { owner } = this.options.flash;
    if (delta.signature === undefined) return refuse('truncated', 'there is no signature');
    if (owner === undefined) return refuse('unclaimed', 'this board has no owner');
    if (!isSignedBy(delta, publicKeyFrom(owner))) {
      refuse('badSignature', "it is not signed with the owner's key");
    }
  }

  private checkTarget(delta: Delta): void {
    const kind = this.options.kind();
    if (kind === undefined) return refuse('wrongLayout', 'this model is not adapted');
    if (delta.modelHash !== kind.modelHash) refuse('wrongModel', 'it is for another model');
    const isAlike =
      delta.layoutHash === kind.layoutHash &&
      delta.method === kind.method &&
      delta.rank === kind.rank &&
      delta.decodedBytes === kind.payloadBytes;
    if (!isAlike) refuse('wrongLayout', 'it is for another kind of adapter');
    if (delta.device !== undefined && delta.device !== this.options.deviceId) {
      refuse('wrongDevice', 'it is for another device');
    }
    if (delta.counter <= this.counter) {
      refuse('oldCounter', `its counter is ${delta.counter}, there was ${this.counter}`);
    }
  }

  confirm(slot: number): Status {
    return this.decide(slot, (newest) => (newest.state = 'kept'));
  }

  revert(slot: number): Status {
    return this.decide(slot, () => takeBack(this.options.slots, slot));
  }

  private decide(slot: number, decision: (newest: SavedAdapter) => void): Status {
    if (slot >= SLOTS) return 'badSlot';
    const [newest] = versionsOf(this.options.slots, slot);
    if (newest === undefined) return 'emptySlot';
    if (newest.state === 'kept') return 'nothingOnTrial';
    decision(newest);
    return 'ok';
  }

  /** The adapter `back` versions before the newest of a slot. */
  version(slot: number, back: number): SavedAdapter | Status {
    if (slot >= SLOTS) return 'badSlot';
    return versionsOf(this.options.slots, slot)[back] ?? 'emptySlot';
  }
}

/** What of a file is known to have arrived, from flash alone: up to the page of its last byte that is
 * not 0xff, without that page. */
function found(bytes: Uint8Array): Uint8Array {
  const end = bytes.findLastIndex((byte) => byte !== 0xff) + 1;
  return bytes.slice(0, end - (end % PAGE_BYTES));
}

function refuse(status: Status, reason: string): never {
  throw new DeltaError(status, reason);
}

/** What a slot held before its newest adapter; nothing where there was none. */
function takeBack(slots: AdapterSlots, slot: number): void {
  if (!rollBack(slots, slot)) slots.delete(slot);
}

function chooseSlot(wanted: number, named: number): number {
  const slot = wanted === ANY_SLOT ? named : wanted;
  if (slot >= SLOTS) return refuse('badSlot', 'no slot is named');
  if (named !== ANY_SLOT && named !== slot) return refuse('badSlot', `it is for slot ${named}`);
  return slot;
}

/** What the adapters of an engine are, as one that it saves tells. */
export function kindOf(engine: LearningEngine): PresentKind | undefined {
  return engine.method === 'none' ? undefined : kindOfBlob(engine.saveAdapter());
}

export function kindOfBlob(blob: Uint8Array): PresentKind {
  const adapter = readBlob(blob);
  if (typeof adapter === 'string') throw new Error(`an engine's own adapter ${adapter}`);
  return { ...adapter, payloadBytes: adapter.payload.length };
}

const NOTHING: Values = [0, 0, 0, 0, ''];

export class DeltaServer {
  readonly endpoint: Endpoint;

  constructor(
    spec: ServiceSpec,
    private readonly installer: DeltaInstaller,
    flash: DeltaFlash,
  ) {
    this.endpoint = new Endpoint(spec, { staging_size: [STAGING_BYTES] });
    const { endpoint } = this;
    endpoint.computed('counter', () => [installer.counter]);
    endpoint.computed('owner', () => [flash.owner ?? new Uint8Array()]);
    endpoint.computed('received', () => [installer.received]);
    endpoint.computed('fresh', () => [installer.inState('fresh')]);
    endpoint.computed('trial', () => [installer.inState('trial')]);
    endpoint.computed('reverted', () => [installer.reverted]);
    endpoint.command('begin', ([size, sha256]) =>
      progress(installer.begin(Number(size), sha256 as Uint8Array)),
    );
    endpoint.command('data', ([offset, bytes]) =>
      progress(installer.data(Number(offset), bytes as Uint8Array)),
    );
    endpoint.command('finish', ([slot]) => this.finish(Number(slot)));
    endpoint.command('confirm', ([slot]) => [STATUS[installer.confirm(Number(slot))]]);
    endpoint.command('revert', ([slot]) => [STATUS[installer.revert(Number(slot))]]);
    endpoint.command('describe', ([slot, back]) => this.describe(Number(slot), Number(back)));
    endpoint.command('read', ([offset, slot, back]) =>
      this.read(Number(offset), Number(slot), Number(back)),
    );
  }

  private finish(wanted: number): Values {
    const { status, reason, slot } = this.installer.finish(wanted);
    const { counter } = this.installer;
    if (status === 'ok') this.endpoint.event('installed', [counter, slot]);
    else this.endpoint.event('refused', [STATUS[status], reason]);
    return [counter, STATUS[status]];
  }

  private describe(slot: number, back: number): Values {
    const found = this.installer.version(slot, back);
    if (typeof found === 'string') return [STATUS[found], ...NOTHING];
    const { blob, counter, state, name } = found;
    return [STATUS.ok, blob.length, blobCrc(blob), counter, STATE[state], name];
  }

  private read(offset: number, slot: number, back: number): Values {
    const found = this.installer.version(slot, back);
    if (typeof found === 'string') return [0, STATUS[found], new Uint8Array()];
    const { blob } = found;
    return [blob.length, STATUS.ok, blob.slice(offset, offset + PIECE_BYTES)];
  }
}

const progress = ({ status, offset }: { status: Status; offset: number }): Values => [
  offset,
  STATUS[status],
];
