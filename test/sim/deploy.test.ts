import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileProgram } from '../../sim/compile.ts';
import { deployImage, type OpenTransport } from '../../sim/deploy.ts';
import { escapeFrame, LinkReader } from '../../sim/link.ts';
import { WasmChip } from '../../sim/wasm-chip.ts';

const deviceId = '1d46a30eef48919f';

/** A chip at the end of a cable, whose time follows the wall clock. */
class Cabled {
  readonly lines: string[] = [];
  private timer?: ReturnType<typeof setInterval>;

  constructor(readonly chip: WasmChip) {}

  readonly open: OpenTransport = (onFrame) => {
    const reader = new LinkReader({ onFrame, onText: () => undefined });
    const begun = performance.now() - this.chip.now;
    this.timer = setInterval(() => {
      const now = performance.now() - begun;
      while (this.chip.now < now && this.chip.stop === undefined) {
        this.chip.advance(now);
        reader.feed(this.chip.take());
        this.lines.push(...this.chip.takeConsole());
      }
    }, 2);
    const close = (): void => clearInterval(this.timer);
    return Promise.resolve({ send: (frame) => this.chip.receive(escapeFrame(frame)), close });
  };

  /** Lets time pass, with the cable off. */
  run(milliseconds: number): void {
    const end = this.chip.now + milliseconds;
    while (this.chip.now < end && this.chip.stop === undefined) {
      this.chip.advance(end);
      this.chip.take();
      this.lines.push(...this.chip.takeConsole());
    }
  }
}

describe('deploy', () => {
  let folder: string;
  const images: Uint8Array[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'retune-deploy-'));
    for (const word of ['first', 'second']) {
      const file = join(folder, `${word}.ts`);
      const source = `setInterval(async () => console.log('${word}'), 100);\n`;
      writeFileSync(file, `import '@devicescript/core';\n${source}`);
      images.push((await compileProgram(file)).image);
    }
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('writes a program that runs at once, after a reset, and until the next one', async () => {
    const [first, second] = images as [Uint8Array, Uint8Array];
    const board = new Cabled(new WasmChip({ deviceId, seed: 1 }));
    expect(await deployImage(first, board.open)).toEqual({ device: deviceId, bytes: first.length });
    board.run(1000);
    expect(board.lines.filter((line) => line === '> first').length).toBeGreaterThan(5);

    const flash = board.chip.flash.slice();
    const again = new Cabled(new WasmChip({ deviceId, seed: 1, flash, cause: 'software' }));
    again.run(1000);
    expect(again.lines.filter((line) => line === '> first').length).toBeGreaterThan(5);

    await deployImage(second, again.open);
    again.lines.length = 0;
    again.run(1000);
    expect(again.lines).toContain('> second');
    expect(again.lines).not.toContain('> first');
  });

  it('leaves no half program when the power is cut while it is written', async () => {
    const [first, second] = images as [Uint8Array, Uint8Array];
    const board = new Cabled(new WasmChip({ deviceId, seed: 1 }));
    await deployImage(first, board.open);
    board.chip.firmware.call('rt_sim_cut_power_at', 3);
    await expect(deployImage(second, board.open, { timeout: 0.5 })).rejects.toThrow();
    expect(board.chip.stop).toBe('power cut');

    const flash = board.chip.flash.slice();
    const again = new Cabled(new WasmChip({ deviceId, seed: 1, flash }));
    again.run(2000);
    const said = new Set(again.lines.filter((line) => line.startsWith('> ')));
    expect([...said].every((line) => line === '> first')).toBe(true);
    await deployImage(second, again.open);
    again.run(500);
    expect(again.lines).toContain('> second');
  });

  it('says so when there is no such device', async () => {
    const board = new Cabled(new WasmChip({ deviceId, seed: 1 }));
    const options = { device: '0000000000000001', timeout: 1 };
    await expect(deployImage(images[0] as Uint8Array, board.open, options)).rejects.toThrow(
      /no device 0000000000000001 within 1 s/,
    );
  });
});
