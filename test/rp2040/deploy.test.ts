/** A script deployed over the emulated board's USB port: runs at once, and after every reset. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compileProgram } from '../../sim/compile.ts';
import { deployImage, type OpenTransport } from '../../sim/deploy.ts';
import { escapeFrame, LinkReader } from '../../sim/link.ts';
import { Rp2040Chip } from '../../sim/rp2040/chip.ts';

const PROGRAM = `
import { sleep } from "@devicescript/core"
console.log("deployed and running")
let n = 0
while (n < 3) { await sleep(100); n++; console.log("n = " + n) }
`;

let image: Uint8Array;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'retune-deploy-'));
  const file = join(folder, 'deployed.ts');
  writeFileSync(file, PROGRAM);
  image = (await compileProgram(file)).image;
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true }));

/** Lets the chip go on while the other side waits in real time. */
function transportTo(chip: Rp2040Chip): OpenTransport {
  return (onFrame) => {
    const reader = new LinkReader({ onFrame, onText: () => undefined });
    const timer = setInterval(() => {
      const end = chip.now + 10;
      while (chip.now < end && chip.stop === undefined) {
        chip.advance(end);
        reader.feed(chip.take());
      }
    }, 5);
    return Promise.resolve({
      send: (frame) => chip.receive(escapeFrame(frame)),
      close: () => clearInterval(timer),
    });
  };
}

const EXPECTED = ['> deployed and running', '> n = 1', '> n = 2', '> n = 3'];

test('runs at once, after a reset, and after a power cut', async () => {
  const chip = await Rp2040Chip.create({ deviceId: '1d46a30eef48919f', seed: 1 });
  const console: string[] = [];
  const listen = (milliseconds: number): string[] => {
    const end = chip.now + milliseconds;
    while (chip.now < end) {
      chip.advance(end);
      chip.take();
      console.push(...chip.takeConsole());
    }
    return console.splice(0).filter((line) => line.startsWith('>'));
  };
  expect(listen(100)).toEqual([]);
  const deployed = await deployImage(image, transportTo(chip), { timeout: 60 });
  expect(deployed.bytes).toBe(image.length);
  expect(listen(1000)).toEqual(EXPECTED);

  for (const cause of ['software', 'power on'] as const) {
    const again = await Rp2040Chip.create({
      deviceId: '1d46a30eef48919f',
      seed: 2,
      flash: chip.flash,
      cause,
    });
    const lines: string[] = [];
    while (again.now < 1000) {
      again.advance(1000);
      again.take();
      lines.push(...again.takeConsole());
    }
    expect(lines.filter((line) => line.startsWith('>'))).toEqual(EXPECTED);
  }
});
