/** The format does not change unnoticed: golden images by the C, and read by C and TypeScript. */
import { describe, expect, it } from 'vitest';
import { readAdapterRecord, readStore, readStoreImage } from '../../fleet/store-image.ts';
import { OK, StoreBench } from './bench.ts';
import { contentsOf, type Expected, generate, OLD, readGolden, SCENARIOS } from './golden.ts';

/** What the reader in TypeScript finds. */
function readAll(region: Uint8Array): Expected {
  const found: Expected = {};
  for (const { key, versions } of readStore(region)) {
    found[`0x${key.toString(16).padStart(4, '0')}`] = versions.map((version) => {
      expect(version.isDamaged).toBe(false);
      return { number: version.number, payload: Buffer.from(version.payload).toString('hex') };
    });
  }
  return found;
}

async function mounted(sectors: number, image: Uint8Array): Promise<StoreBench> {
  const store = await StoreBench.create(sectors);
  store.flash().set(image);
  expect(store.start()).toBe(OK);
  return store;
}

describe.each(SCENARIOS)('golden image $name', (scenario) => {
  const golden = readGolden(scenario.name, scenario.sectors);

  it('is what native/store writes today', async () => {
    const now = await generate(scenario);
    expect(now.image.equals(golden.image)).toBe(true);
    expect(now.expected).toEqual(golden.expected);
  });

  it('is mounted without a write and says what it said', async () => {
    const store = await mounted(golden.sectors, golden.image);
    expect(contentsOf(store)).toEqual(golden.expected);
    expect(store.region().equals(golden.image)).toBe(true);
  });

  it('is read by fleet/store-image.ts', () => {
    expect(readAll(golden.image)).toEqual(golden.expected);
  });
});

describe('golden images', () => {
  it('tell of adapters what adapter_record.h says', async () => {
    const { image } = readGolden('first', 64);
    const [versions] = readStore(image)
      .filter(({ key }) => key === 0x0102)
      .map((record) => record.versions);
    expect(versions?.map(({ payload }) => readAdapterRecord(payload))).toMatchObject([
      { name: 'Ada L.', saves: 2, source: 'delta', state: 'fresh', rank: 4, rightAfter: 9 },
      { name: 'Ada', saves: 1, source: 'trained', state: 'kept', modelHash: 0x12345678 },
    ]);
    const store = await mounted(64, image);
    expect(store.adapter(2)).toMatchObject({ record: { name: 'Ada L.', state: 2 } });
    expect(store.adapter(2, 1)).toMatchObject({ record: { name: 'Ada', state: 0 } });
  });

  it('count erases alike in C and TypeScript, and know the retired sector', async () => {
    const { image, sectors } = readGolden('turned', 16);
    const { erases, generation } = readStoreImage(image);
    expect(erases[3]).toBeUndefined();
    const known = erases.filter((count) => count !== undefined);
    const store = await mounted(sectors, image);
    expect(store.stats()).toMatchObject({
      retiredSectors: 1,
      erasesMin: Math.min(...known),
      erasesMax: Math.max(...known),
      logErases: Math.ceil(generation / 4),
    });
    expect(generation).toBeGreaterThan(4);
  });
});

describe('a store of format "RtS1"', () => {
  it('is taken over at the first mount, with both places of a slot', async () => {
    const { image, expected } = readGolden('old', OLD.sectors);
    const store = await mounted(OLD.sectors, image);
    expect(contentsOf(store)).toEqual(expected);
    expect(Object.keys(expected)).toEqual(['0x0100', '0x0102', '0x0103']);
    expect(expected['0x0100']?.map(({ number }) => number)).toEqual([5, 4]);
    expect(readAll(store.region())).toEqual(expected);
    const { offset, bytes } = store.staging();
    store.flash().fill(0, offset, offset + bytes);
    expect(contentsOf(store)).toEqual(expected);
    for (let i = 0; i < 200; i++) expect(store.put(0x0101, Buffer.alloc(4000, i))).toBe(OK);
    store.start();
    expect(contentsOf(store)).toMatchObject(expected);
  });

  it('loses nothing when the power goes while it is taken over', async () => {
    const { image, expected } = readGolden('old', OLD.sectors);
    let cuts = 0;
    for (let seed = 1; seed <= 3; seed++) {
      for (let operation = 1; ; operation++) {
        const store = await StoreBench.create(OLD.sectors);
        store.flash().set(image);
        store.cutIn(operation, 1000 * seed + operation);
        store.call('rt_store_init');
        if (!store.isDark) break;
        cuts++;
        expect(store.start()).toBe(OK);
        expect(contentsOf(store)).toEqual(expected);
      }
    }
    expect(cuts).toBeGreaterThan(30);
  });
});
