/** What the store promises, as a few lines of TypeScript, and random work for both. */
import fc from 'fast-check';
import { content, EMPTY, FULL, OK, type StoreBench } from './bench.ts';

export const KEYS = [0x0100, 0x0101, 0x0107, 0x0200, 0x1000, 0x1001] as const;

export type Step =
  | { kind: 'put'; key: number; bytes: number }
  | { kind: 'drop' | 'rollBack' | 'copy'; key: number }
  | { kind: 'start' };

const key = fc.constantFrom(...KEYS);
const bytes = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 40 }) },
  { weight: 3, arbitrary: fc.integer({ min: 41, max: 1300 }) },
  { weight: 2, arbitrary: fc.constantFrom(256, 4054, 4096) },
  { weight: 1, arbitrary: fc.integer({ min: 4097, max: 13000 }) },
);

export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('put' as const), key, bytes }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('drop', 'rollBack', 'copy'), key }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'start' as const }) },
);

export const steps = (most: number): fc.Arbitrary<Step[]> =>
  fc.array(step, { minLength: 1, maxLength: most, size: 'max' });

/** Versions of each key, newest first. */
export class Model {
  constructor(private readonly kept = new Map<number, Buffer[]>()) {}

  private serial = 0;

  clone(): Model {
    const copy = new Model(new Map(this.kept));
    copy.serial = this.serial;
    return copy;
  }

  versions = (of: number): Buffer[] => this.kept.get(of) ?? [];

  private set(of: number, versions: Buffer[]): void {
    this.kept.set(of, versions.slice(0, 2));
  }

  /** Takes a step here and in the store; throws when the store's answer is another. */
  take(store: StoreBench, next: Step): void {
    const status = this.run(store, next);
    // The store may have no run of sectors left for what is large: then nothing has changed.
    if (status === FULL && (next.kind === 'put' || next.kind === 'copy')) return;
    this.follow(next);
  }

  /** The step in the store alone. */
  run(store: StoreBench, next: Step): number {
    if (next.kind === 'start') return store.start();
    const there = this.versions(next.key).length;
    switch (next.kind) {
      case 'put':
        return this.expect(store.put(next.key, this.next(next)), OK, FULL);
      case 'copy':
        return this.expect(
          store.copy(next.key, there - 1, next.key),
          ...(there === 0 ? [EMPTY] : [OK, FULL]),
        );
      case 'drop':
        return this.expect(store.drop(next.key), there === 0 ? EMPTY : OK);
      default:
        return this.expect(store.rollBack(next.key), there < 2 ? EMPTY : OK);
    }
  }

  private isCut = false;

  /** From now on the power may go: any answer may come. */
  expectCut(): void {
    this.isCut = true;
  }

  private expect(status: number, ...allowed: number[]): number {
    if (this.isCut || allowed.includes(status)) return status;
    throw new Error(`the store answers ${status}, expected ${allowed.join(' or ')}`);
  }

  private next(put: { key: number; bytes: number }): Buffer {
    return content(put.key, this.serial, put.bytes);
  }

  /** The step here alone. */
  follow(next: Step): void {
    if (next.kind === 'start') return;
    const versions = this.versions(next.key);
    const oldest = versions[versions.length - 1];
    if (next.kind === 'put') this.set(next.key, [this.next(next), ...versions]);
    if (next.kind === 'copy' && oldest) this.set(next.key, [oldest, ...versions]);
    if (next.kind === 'drop') this.set(next.key, []);
    if (next.kind === 'rollBack' && versions.length === 2) this.set(next.key, versions.slice(1));
    if (next.kind === 'put') this.serial++;
  }
}

/** What the store says of all keys, as text: versions newest first. */
export function found(store: StoreBench): string {
  return KEYS.map((of) => {
    const versions: string[] = [];
    for (let back = 0; ; back++) {
      const version = store.version(of, back);
      if (version === EMPTY) break;
      versions.push(typeof version === 'number' ? String(version) : version.toString('base64'));
    }
    return versions.join('|');
  }).join('\n');
}

export const wanted = (model: Model): string =>
  KEYS.map((of) =>
    model
      .versions(of)
      .map((version) => version.toString('base64'))
      .join('|'),
  ).join('\n');
