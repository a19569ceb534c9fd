/** What `retune build` writes for a chip. The firmware itself runs in test/rp2040 and test/sim. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readBoard } from '../../compiler/board.ts';
import { crc32Mpeg2 } from '../../compiler/crc.ts';
import { readElf } from '../../compiler/elf.ts';
import { boardModules, buildFirmware } from '../../compiler/firmware.ts';
import { firmwareText } from '../../compiler/firmware-report.ts';
import { boardSource, modulesSource, programSource } from '../../compiler/firmware-sources.ts';
import { boardOf, readManifest } from '../../compiler/manifest.ts';
import { projectRoot } from '../../compiler/toolchain.ts';
import { uf2 } from '../../compiler/uf2.ts';
import { chipFirmware, type ChipFirmware } from '../../sim/rp2040/firmware.ts';
import { DEFAULT_MODEL } from '../../sim/model-engine.ts';

const pico = readBoard(join(projectRoot, 'boards/rp2040_pico.board.json'));
const xiao = readBoard(join(projectRoot, 'boards/xiao_rp2040.board.json'));

describe('boards', () => {
  test('a name, an alias, another board', () => {
    const manifest = readManifest(join(projectRoot, 'devicescript.json'));
    expect(boardOf(manifest, 'pico').id).toBe('rp2040_pico');
    expect(boardOf(manifest, 'rp2040_pico').id).toBe('rp2040_pico');
    expect(boardOf(manifest, 'xiao_rp2040').id).toBe('xiao_rp2040');
    expect(() => boardOf(manifest, 'pica')).toThrow(/name a file in boards/);
  });

  test('become C: pins by name, what is not there, what is on when low', () => {
    const text = boardSource(xiao);
    expect(text).toContain('{"D8", 2}');
    expect(text).toContain('.led_pin = 16,');
    expect(text).toContain('.led_is_active_low = 1,');
    expect(text).toContain('.i2c_sda_pin = 6,');
    expect(text).toContain('.microphone_pin = 26,');
    const bare = boardSource({ ...pico, led: undefined, i2c: undefined, uart: undefined });
    expect(bare).toContain('.led_pin = RT_BOARD_NO_PIN,');
    expect(bare).toContain('.uart_tx_pin = RT_BOARD_NO_PIN,');
    expect(boardModules({ ...pico, led: undefined })).toEqual(['button', 'power']);
  });

  describe('what is wrong with a board file is said', () => {
    let folder: string;
    beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'retune-boards-'))));
    afterAll(() => rmSync(folder, { recursive: true }));
    const read = (change: (retune: Record<string, unknown>) => void): (() => unknown) => {
      const json = JSON.parse(readFileSync(pico.file, 'utf8')) as {
        retune: Record<string, unknown>;
      };
      change(json.retune);
      const file = join(folder, 'x.board.json');
      writeFileSync(file, JSON.stringify(json));
      return () => readBoard(file);
    };
    const flash = { programOffset: 1048576, programBytes: 4096, storeOffset: 0, storeBytes: 4096 };

    test.each([
      ['a pin that is not there', { roles: { button: 'D99' } }, /roles\.button.*no D99/],
      ['a region beyond the end', { flash: { ...flash, storeOffset: 2097152 } }, /ends beyond/],
      ['half a sector', { flash: { ...flash, storeBytes: 100 } }, /multiples of the sector/],
      ['two regions in one place', { flash: { ...flash, storeOffset: 1048576 } }, /overlap/],
      ['a heap of half words', { heapBytes: 1001 }, /heapBytes/],
    ])('%s', (_, change, message) => {
      expect(read((retune) => Object.assign(retune, change))).toThrow(message);
    });
  });
});

const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);

describe('files', () => {
  test('UF2: whole blocks with the chip’s family, at their addresses', () => {
    const image = Uint8Array.from({ length: 300 }, (_, i) => i & 255);
    const file = uf2(image, 0x10000000);
    const word = (at: number): number => new DataView(file.buffer).getUint32(at, true);
    expect(file.length).toBe(1024);
    expect([0, 4, 508, 512, 516, 1020].map(word)).toEqual([
      ...[0x0a324655, 0x9e5d5157, 0x0ab16f30],
      ...[0x0a324655, 0x9e5d5157, 0x0ab16f30],
    ]);
    expect([word(12), word(524)]).toEqual([0x10000000, 0x10000100]);
    expect([word(20), word(24), word(28)]).toEqual([0, 2, 0xe48bff56]);
    expect([...file.slice(32, 288)]).toEqual([...image.slice(0, 256)]);
    expect([...file.slice(512 + 32, 512 + 32 + 44)]).toEqual([...image.slice(256)]);
  });

  test('the checksum of the boot ROM, by its known answer', () => {
    expect(crc32Mpeg2(Buffer.from('123456789'))).toBe(0x0376e6e7);
  });

  test('modules and program', () => {
    expect(modulesSource(['learner', 'power'])).toMatch(/&rt_module_learner,\s+&rt_module_power,/);
    expect(modulesSource([])).toContain('rt_service_module_count = 0');
    expect(programSource(undefined)).toContain('.image = NULL');
    expect(programSource(Uint8Array.of(1, 2, 255))).toContain('1,2,255,');
  });
});

describe('the firmware', () => {
  let bare: ChipFirmware;
  let learning: ChipFirmware;

  beforeAll(async () => {
    bare = await chipFirmware({});
    // as many places as a board has whose manifest does not say
    learning = await chipFirmware({ model: DEFAULT_MODEL, places: 1 });
  }, 300_000);

  test('without a model: at most 128 KB of flash and 16 KB of static RAM', () => {
    const { flash, ram } = bare.firmware.report;
    expect(flash.model).toBe(0);
    expect(flash.total).toBeLessThanOrEqual(128 * 1024);
    expect(ram.static).toBeLessThanOrEqual(16 * 1024);
    expect(ram.arena).toBe(0);
  });

  test('with the model: 64 KB of RAM stay free, and the parts add up', () => {
    const { flash, ram } = learning.firmware.report;
    expect(ram.free).toBeGreaterThanOrEqual(64 * 1024);
    const { code, heap, arena, stack, free } = ram;
    expect(code + ram.static + heap + arena + stack + free).toBe(pico.ramBytes);
    expect(flash.firmware + flash.model).toBe(flash.total);
    expect(flash.model).toBeGreaterThan(40_000);
    expect(ram.arena).toBeGreaterThan(100_000);
  });

  test('hot code lies in RAM, and calls nothing in flash', () => {
    const { symbols, report } = learning.firmware;
    expect(report.rooms['engine']!.code).toBeGreaterThan(2000);
    const inRam = [...symbols].filter(([, { address }]) => address >= 0x20000000);
    const names = inRam.filter(([, { isFunction }]) => isFunction).map(([name]) => name);
    expect(names).toContain('rt_pair_run');
    // Flash is out of reach of a call: the linker puts a veneer beside the code that calls it.
    // Clearing memory is worth a call, and models for boards have packed weights throughout.
    const allowed = /_mem|_plain_pixel/;
    const calls = names.filter((name) => name.includes('Thunk') && !allowed.test(name));
    expect(calls).toEqual([]);
    expect(report.ram.code).toBe(sum(Object.values(report.rooms).map(({ code }) => code)));
    // What nothing calls is dropped: without a model there are only the functions that write flash.
    expect(bare.firmware.report.ram.code).toBeLessThan(400);
    expect(names).not.toContain('rt_backward_dense');
  });

  test('signatures are linked only where somebody checks them', () => {
    for (const { firmware } of [bare, learning]) {
      const names = [...firmware.symbols].filter(([, one]) => one.isFunction).map(([name]) => name);
      expect(names).toContain('rt_bus_send');
      expect(names.filter((name) => /ed25519|rt_delta_/.test(name))).toEqual([]);
    }
  });

  test('rooms: nearly all bytes belong to one', () => {
    const { rooms, flash } = learning.firmware.report;
    const total = sum(Object.values(rooms).map((room) => room.flash));
    expect(total).toBeLessThanOrEqual(flash.total);
    expect(total).toBeGreaterThan(0.99 * flash.total);
    const text = firmwareText(learning.firmware.report, pico);
    for (const room of ['vm', 'bus', 'services', 'hal', 'engine', 'dsp', 'model']) {
      expect(text).toContain(` ${room} `);
    }
  });

  test('ELF, UF2 and image hold the same bytes', () => {
    const { image, elf, uf2: file } = bare.firmware;
    expect(readFileSync(file)).toEqual(Buffer.from(uf2(image, 0x10000000)));
    const { segments, symbols } = readElf(readFileSync(elf));
    expect(symbols.has('rt_firmware_poll')).toBe(true);
    const first = segments.find(({ loadAddress }) => loadAddress === 0x10000000);
    expect([...(first?.bytes.slice(0, 256) ?? [])]).toEqual([...image.slice(0, 256)]);
    const stored = new DataView(image.buffer).getUint32(252, true);
    expect(crc32Mpeg2(image.slice(0, 252))).toBe(stored);
  });

  test('what does not fit, and other chips, are errors that say what to change', async () => {
    const outDir = mkdtempSync(join(tmpdir(), 'retune-full-'));
    const fails = (change: Partial<typeof pico>, message: RegExp): Promise<void> =>
      expect(buildFirmware({ board: { ...pico, ...change }, modules: [], outDir })).rejects.toThrow(
        message,
      );
    await fails({ heapBytes: 300_000 }, /bytes of RAM too many; lower "heapBytes"/);
    await fails(
      { flash: { ...pico.flash, programOffset: 65536 } },
      /bytes of flash too many; use a smaller model/,
    );
    await fails({ archId: 'esp32c3' }, /only rp2040 boards/);
    await expect(buildFirmware({ board: pico, modules: ['nothing'], outDir })).rejects.toThrow(
      /no native\/services\/nothing\.c/,
    );
    rmSync(outDir, { recursive: true });
  }, 300_000);
});
