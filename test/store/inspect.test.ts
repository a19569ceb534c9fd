/** `retune store`: what it prints of good, damaged and foreign images. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RetuneError } from '../../cli/error.ts';
import { readBoard } from '../../compiler/board.ts';
import { projectRoot } from '../../compiler/toolchain.ts';
import { readStoreImage } from '../../fleet/store-image.ts';
import { adapterBlob, regionOf, storeJson, storeText } from '../../fleet/store-text.ts';
import { main } from '../../cli/main.ts';
import { content } from './bench.ts';
import { readGolden } from './golden.ts';

const board = readBoard(join(projectRoot, 'boards/rp2040_pico.board.json'));
const { image } = readGolden('first', 64);

describe('the text', () => {
  it('names keys, versions and what adapters are', () => {
    const lines = storeText(image).split('\n');
    const line = (start: string): string => lines.find((text) => text.includes(start)) ?? '';
    expect(line('adapter 2')).toMatch(
      /192 .* "Ada L\.", skip of rank 4, delta, trial, model 12345678/,
    );
    expect(line('"Ada",')).toMatch(/the one before/);
    expect(line('setting 2')).toContain(content(2, 1, 24).toString('hex'));
    expect(lines.join('\n')).not.toContain('setting 3');
    expect(line('log sector')).toBe('log sector 0, generation 1, 15 of 64 slots used');
    expect(line('sectors for payloads')).toBe('56 sectors for payloads, erased 0 to 1 times');
  });

  it('says what is damaged, and that nothing is there', () => {
    const damaged = Buffer.from(image);
    const at = damaged.indexOf(content(2, 1, 300));
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    expect(storeText(damaged)).toMatch(/setting 2 .*damaged/);
    expect(storeText(new Uint8Array(64 * 4096).fill(0xff))).toMatch(/nothing was ever saved/);
  });

  it('is JSON on request', () => {
    const json = JSON.parse(JSON.stringify(storeJson(image))) as {
      records: { name: string; versions: { payload: string }[] }[];
    };
    const setting = json.records.find(({ name }) => name === 'setting 0');
    expect(setting?.versions.map(({ payload }) => Buffer.from(payload, 'hex').toString())).toEqual([
      'second',
      'first',
    ]);
  });
});

describe('images', () => {
  it('are of the whole flash or the region, and nothing else', () => {
    const whole = new Uint8Array(board.flashBytes).fill(0xff);
    whole.set(image, board.flash.storeOffset);
    expect(readStoreImage(regionOf(whole, board))).toEqual(readStoreImage(image));
    expect(regionOf(image, board)).toBe(image);
    expect(() => regionOf(image.subarray(1), board)).toThrow(RetuneError);
    expect(() => readStoreImage(new Uint8Array(9 * 4096))).toThrow(/at least 40960 bytes/);
  });

  it('of random bytes never throw anything', () => {
    for (let seed = 1; seed < 40; seed++) {
      const bytes = Buffer.from(image);
      let state = seed;
      for (let i = 0; i < 200; i++) {
        state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + i;
        bytes[60 * 4096 + ((state >>> 8) & 4095)] = state & 255;
      }
      expect(storeText(bytes).length).toBeGreaterThan(10);
    }
  });

  it('give up an adapter, the version before when the newest is damaged', () => {
    expect(Buffer.from(adapterBlob(image, 2))).toEqual(content(1, 1, 120));
    const damaged = Buffer.from(image);
    const [record] = readStoreImage(image).records.filter(({ key }) => key === 0x0102);
    for (const { offset } of record?.versions ?? []) {
      damaged[offset + 100] = (damaged[offset + 100] ?? 0) ^ 4;
      if (offset === record?.versions[0]?.offset) {
        expect(Buffer.from(adapterBlob(damaged, 2))).toEqual(content(1, 1, 120));
      }
    }
    expect(() => adapterBlob(damaged, 2)).toThrow(/damaged/);
    expect(() => adapterBlob(image, 3)).toThrow(/slot 3 is empty/);
  });
});

describe('the command', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'retune-store-'));
    process.exitCode = 0;
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
    process.exitCode = 0;
  });

  it('extracts an adapter to a file, and fails on what is none', async () => {
    const [file, out] = [join(folder, 'store.bin'), join(folder, 'a.bin')];
    writeFileSync(file, image);
    await main(['store', 'extract', file, '--slot', '2', '--out', out]);
    expect(process.exitCode).toBe(0);
    expect(readFileSync(out)).toEqual(content(1, 1, 120));
    writeFileSync(file, image.subarray(5));
    await main(['store', 'inspect', file]);
    expect(process.exitCode).toBe(1);
  });
});
