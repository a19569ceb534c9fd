/** native/store's deltas and sim/delta.ts do the same, whatever is asked of them in any order. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { writeBlob } from '../../fleet/blob.ts';
import { packDelta, signDelta } from '../../fleet/delta.ts';
import { type AdapterSlots, freshNotes, saveTo } from '../../sim/adapter-slots.ts';
import { type DeltaFlash, DeltaInstaller, kindOfBlob } from '../../sim/delta.ts';
import { owner, privateKeyFrom, RFC_PUBLIC } from '../fleet/golden.ts';
import { Board, sha } from './board.ts';

const kind = { method: 2, rank: 8, modelHash: 0x12345678, layoutHash: 0x9abcdef0 };
const PAYLOAD_BYTES = 300;
const DEVICE = 0xefcdab8967452301n;
const DEVICE_TEXT = '0123456789abcdef';
const key = Uint8Array.from(Buffer.from(RFC_PUBLIC, 'hex'));
const stranger = privateKeyFrom('22'.repeat(32));

const adapters = [1, 2, 3].map((seed) => {
  const payload = Uint8Array.from({ length: PAYLOAD_BYTES }, (_, i) => (i * seed) % 9);
  return writeBlob({ ...kind, payload });
});
const foreign = writeBlob({ ...kind, modelHash: 1, payload: new Uint8Array(PAYLOAD_BYTES) });

/** The TypeScript device, with flash that outlasts a start. */
class Twin {
  readonly slots: AdapterSlots = new Map();
  readonly flash: DeltaFlash = { counter: 0, owner: key };
  installer = this.boot();

  boot(): DeltaInstaller {
    const { slots, flash } = this;
    const kindOf = (): ReturnType<typeof kindOfBlob> => kindOfBlob(adapters[0]!);
    return (this.installer = new DeltaInstaller({
      slots,
      flash,
      deviceId: DEVICE_TEXT,
      kind: kindOf,
    }));
  }

  install(file: Uint8Array, slot: number): string | number {
    const { installer } = this;
    const begun = installer.begin(file.length, sha(file));
    let { offset } = begun;
    if (begun.status !== 'ok') return begun.status;
    while (offset < file.length) {
      ({ offset } = installer.data(offset, file.slice(offset, offset + 224)));
    }
    const done = installer.finish(slot);
    return done.status === 'ok' ? done.slot : done.status;
  }

  save(slot: number, blob: Uint8Array): void {
    saveTo(this.slots, slot, { ...freshNotes(), name: 'own', blob, state: 'kept' });
  }
}

/** What both show of a slot. */
function shown(board: Board, twin: Twin, slot: number): [unknown, unknown] {
  const native = [0, 1].map((back) => {
    const version = board.version(slot, back);
    return version && [version.state, version.name, version.counter, version.blob];
  });
  const other = [0, 1].map((back) => {
    const version = twin.installer.version(slot, back);
    if (typeof version === 'string') return undefined;
    return [version.state, version.name, version.counter, version.blob];
  });
  return [native, other];
}

const slot = fc.integer({ min: 0, max: 2 });
const pick = fc.integer({ min: 0, max: adapters.length - 1 });
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('install' as const),
      slot: fc.oneof({ weight: 6, arbitrary: slot }, fc.constantFrom(8, 255)),
      adapter: fc.oneof({ weight: 8, arbitrary: pick }, fc.constant(-1)),
      /** Above the highest so far; 0 and below: played again. */
      ahead: fc.oneof({ weight: 5, arbitrary: fc.constantFrom(1, 2) }, fc.constantFrom(0, -1)),
      base: fc.option(pick, { freq: 2 }),
      name: fc.constantFrom('', 'ada'),
      named: fc.oneof({ weight: 4, arbitrary: fc.constant(255) }, slot),
      device: fc.option(fc.constantFrom(DEVICE_TEXT, '0123456789abcdee'), { freq: 4 }),
      isOwners: fc.oneof({ weight: 8, arbitrary: fc.constant(true) }, fc.constant(false)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('confirm', 'revert'), slot }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('boot' as const), slot }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('save' as const), slot, adapter: pick }) },
);

it('in C as in TypeScript', { timeout: 120_000 }, async () => {
  const settings = { ...kind, payloadBytes: PAYLOAD_BYTES, device: DEVICE, owner: key };
  const answers = new Map<unknown, number>();
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      const board = await Board.create(settings);
      const twin = new Twin();
      for (const one of steps) {
        if (one.do === 'install' && 'ahead' in one) {
          const counter = Math.max(1, board.counter + one.ahead);
          const base = one.base === null || one.adapter < 0 ? undefined : adapters[one.base];
          const packed = packDelta(adapters[one.adapter] ?? foreign, 'x', {
            ...{ counter, base, name: one.name, slot: one.named },
            device: one.device ?? undefined,
          });
          const file = signDelta(packed, 'x', one.isOwners ? owner : stranger);
          const answer = board.install(file, one.slot);
          expect(answer).toBe(twin.install(file, one.slot));
          const label = typeof answer === 'number' ? 'installed' : answer;
          answers.set(label, (answers.get(label) ?? 0) + 1);
        } else if (one.do === 'confirm' || one.do === 'revert') {
          expect(board[one.do](one.slot)).toBe(twin.installer[one.do](one.slot));
        } else if (one.do === 'boot') {
          board.reboot();
          twin.boot();
          expect(board.reverted).toBe(twin.installer.reverted);
        } else if (one.do === 'save' && 'adapter' in one) {
          board.save(one.slot, adapters[one.adapter]!);
          twin.save(one.slot, adapters[one.adapter]!);
        }
        expect(board.counter).toBe(twin.installer.counter);
        for (const at of [0, 1, 2]) {
          const [native, other] = shown(board, twin, at);
          expect(native).toEqual(other);
        }
      }
    }),
    { numRuns: 60 },
  );
  // the steps reach what they are meant to reach
  for (const what of ['installed', 'wrongModel', 'wrongDevice', 'oldCounter', 'badSlot']) {
    expect(answers.get(what), what).toBeGreaterThan(3);
  }
  for (const what of ['badSignature', 'wrongBase']) expect(answers.get(what)).toBeGreaterThan(3);
});
