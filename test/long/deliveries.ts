/** Adapters that come from outside in a long run: the owner's, and some that must be refused. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { packDelta, signDelta, type Status } from '../../fleet/delta.ts';
import { rawPublicKey } from '../../fleet/keys.ts';
import { Engine } from '../../sim/engine.ts';
import type { Firmware } from '../../sim/firmware.ts';
import { DEFAULT_MODEL } from '../../sim/model-engine.ts';
import { personalise } from '../../sim/personalise.ts';
import type { Recording } from '../../sim/recordings.ts';
import { OWNER } from './plan.ts';

export const DELIVERIES = ['good', 'by a stranger', 'for another board', 'replayed'] as const;
export type DeliveryKind = (typeof DELIVERIES)[number];

export interface Delivery {
  kind: DeliveryKind;
  bytes: Uint8Array;
  /** The adapter in it. */
  blob: Uint8Array;
  /** How the board must answer. */
  expected: Status;
}

const EXPECTED: Record<DeliveryKind, Status> = {
  good: 'ok',
  'by a stranger': 'badSignature',
  'for another board': 'wrongDevice',
  replayed: 'oldCounter',
};
const OTHER_DEVICE = '0123456789abcdef';
/** The slot is one of the two that the app uses. */
const SLOT = 0;
/** Takes that the owner has recorded at home. */
const TAKES = 5;
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** A key that is the same in every run, and nobody's. */
function keyOf(seed: number): KeyObject {
  const key = Buffer.concat([PKCS8_ED25519, Buffer.alloc(32, seed)]);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}

/** Packs what is delivered. */
export class Courier {
  private readonly key = keyOf(1);
  private readonly strangersKey = keyOf(2);
  private counter = 0;
  private lastGood?: Delivery;
  /** The one before: the last one may be installed twice, that does no harm. */
  private olderGood?: Delivery;

  static async create(recordings: Recording[]): Promise<Courier> {
    // of one of the owner's voices only: there is something left to learn
    const clips = recordings.filter(({ speaker, take }) => speaker === OWNER[0] && take < TAKES);
    const engine = await Engine.load(DEFAULT_MODEL, {
      adapter: { method: 'skip', windows: clips.length },
    });
    const labelled = clips.map(({ pcm, label }) => ({ pcm, label: engine.labels.indexOf(label) }));
    personalise(engine, labelled, { seed: 1 });
    return new Courier(engine.training.save());
  }

  private constructor(private readonly blob: Uint8Array) {}

  /** Makes a board the owner's, before it starts. */
  claim(firmware: Firmware): void {
    const key = rawPublicKey(createPublicKey(this.key));
    const at = firmware.allocate(key.length);
    firmware.u8(at, key.length).set(key);
    firmware.call('rt_sim_set_owner', at, 0);
  }

  /** undefined: there is nothing to replay yet. */
  pack(kind: DeliveryKind): Delivery | undefined {
    if (kind === 'replayed') {
      return this.olderGood && { ...this.olderGood, kind, expected: EXPECTED[kind] };
    }
    const device = kind === 'for another board' ? OTHER_DEVICE : undefined;
    const options = { counter: this.counter + 1, slot: SLOT, name: 'owner', device };
    const key = kind === 'by a stranger' ? this.strangersKey : this.key;
    const bytes = signDelta(packDelta(this.blob, kind, options), kind, key);
    return { kind, bytes, blob: this.blob, expected: EXPECTED[kind] };
  }

  /** The board has taken it: its counter is used up. */
  installed(delivery: Delivery): void {
    this.counter++;
    this.olderGood = this.lastGood;
    this.lastGood = delivery;
  }
}
