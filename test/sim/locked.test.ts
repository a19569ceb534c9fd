/** Owners and locks on the whole firmware: our tools, the official ones, and commands to modules. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BoardLink, linkToChip, type OpenBoardLink } from '../../fleet/board-link.ts';
import { ServiceClient } from '../../fleet/client.ts';
import { rawPublicKey } from '../../fleet/keys.ts';
import { OwnedBoard, type Trust, trustText } from '../../fleet/owner.ts';
import { signProgram } from '../../fleet/program.ts';
import { compileProgram } from '../../sim/compile.ts';
import { deployImage, type OpenTransport } from '../../sim/deploy.ts';
import type { Firmware } from '../../sim/firmware.ts';
import { createProxyBridge, JDBus, OutPipe } from '../../sim/jacdac.ts';
import { escapeFrame, LinkReader } from '../../sim/link.ts';
import { WasmChip } from '../../sim/wasm-chip.ts';

const deviceId = '1d46a30eef48919f';
const key = generateKeyPairSync('ed25519').privateKey;
const stranger = generateKeyPairSync('ed25519').privateKey;

/** As the build does it with the manifest's "trust". */
const builtIn = (firmware: Firmware): void => {
  const at = firmware.allocate(32);
  firmware.u8(at, 32).set(rawPublicKey(key));
  firmware.call('rt_sim_set_owner', at, 1);
};

/** A chip at the end of a cable, whose time follows the wall clock. */
class Cabled {
  readonly lines: string[] = [];
  constructor(readonly chip: WasmChip) {}

  readonly open: OpenTransport = (onFrame) => {
    const reader = new LinkReader({ onFrame, onText: () => undefined });
    const begun = performance.now() - this.chip.now;
    const timer = setInterval(() => {
      const now = performance.now() - begun;
      while (this.chip.now < now && this.chip.stop === undefined) {
        this.chip.advance(now);
        reader.feed(this.chip.take());
        this.lines.push(...this.chip.takeConsole());
      }
    }, 2);
    const close = (): void => clearInterval(timer);
    return Promise.resolve({ send: (frame) => this.chip.receive(escapeFrame(frame)), close });
  };

  run(milliseconds: number): void {
    const end = this.chip.now + milliseconds;
    while (this.chip.now < end && this.chip.stop === undefined) {
      this.chip.advance(end);
      this.chip.take();
      this.lines.push(...this.chip.takeConsole());
    }
  }

  /** What the program says within a second. */
  said(): Set<string> {
    this.lines.length = 0;
    this.run(1000);
    return new Set(this.lines.filter((line) => line.startsWith('> ')));
  }
}

let folder: string;
const images: Uint8Array[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'retune-locked-'));
  for (const word of ['first', 'second']) {
    const file = join(folder, `${word}.ts`);
    const source = `setInterval(async () => console.log('${word}'), 100);\n`;
    writeFileSync(file, `import '@devicescript/core';\n${source}`);
    images.push((await compileProgram(file)).image);
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

const first = (): Uint8Array => images[0] as Uint8Array;
const second = (): Uint8Array => images[1] as Uint8Array;

describe('deploying to a locked board', () => {
  it('needs the key, and says so; refused, the program before goes on', async () => {
    const board = new Cabled(new WasmChip({ deviceId, seed: 1, prepare: builtIn }));
    await expect(deployImage(first(), board.open)).rejects.toThrow(/refuses: it is locked.*--key/);
    await deployImage(first(), board.open, { key });
    expect(board.said()).toEqual(new Set(['> first']));
    await expect(deployImage(second(), board.open)).rejects.toThrow(/it is locked/);
    await expect(deployImage(second(), board.open, { key: stranger })).rejects.toThrow(
      /its owner has not signed this/,
    );
    await expect(deployImage(second(), board.open, { key, counter: 1 })).rejects.toThrow(/older/);
    expect(board.said()).toEqual(new Set(['> first']));
    await deployImage(second(), board.open, { key });
    expect(board.said()).toEqual(new Set(['> second']));
  });

  it('takes a file that was signed elsewhere', async () => {
    const board = new Cabled(new WasmChip({ deviceId, seed: 1, prepare: builtIn }));
    const statement = signProgram(first(), key, { counter: 5 });
    await expect(deployImage(second(), board.open, { statement })).rejects.toThrow(/refuses/);
    await deployImage(first(), board.open, { statement });
    expect(board.said()).toEqual(new Set(['> first']));
  });

  it('an open board needs none, and one of nobody cannot check any', async () => {
    const board = new Cabled(new WasmChip({ deviceId, seed: 1 }));
    await expect(deployImage(first(), board.open, { key })).rejects.toThrow(/has no owner yet/);
    await deployImage(first(), board.open, {
      statement: signProgram(first(), key, { counter: 5 }),
    });
    expect(board.said()).toEqual(new Set(['> first']));
  });

  it('the official tools are refused before anything is written, and the program goes on', async () => {
    const board = new Cabled(new WasmChip({ deviceId, seed: 1, prepare: builtIn }));
    await deployImage(first(), board.open, { key });
    const flash = board.chip.flash.slice();
    await expect(deployOfficially(second(), board.open)).rejects.toThrow('wrong port 0');
    expect(board.lines.join('\n')).toMatch(/! deploy: this board is locked/);
    expect(Buffer.compare(board.chip.flash, flash)).toBe(0);
    expect(board.said()).toEqual(new Set(['> first']));
    const open = new Cabled(new WasmChip({ deviceId, seed: 1 }));
    await deployOfficially(second(), open.open);
    expect(open.said()).toEqual(new Set(['> second']));
  });

  it('a transfer that breaks off leaves the program before running', async () => {
    const board = new Cabled(new WasmChip({ deviceId, seed: 1 }));
    await deployImage(first(), board.open);
    let frames = 0;
    const broken: OpenTransport = async (onFrame) => {
      const transport = await board.open(onFrame);
      return { ...transport, send: (frame) => void (++frames < 12 && transport.send(frame)) };
    };
    await expect(deployImage(second(), broken, { timeout: 0.5 })).rejects.toThrow();
    expect(board.said()).toEqual(new Set()); // stopped by the tools, and they are gone
    board.run(31_000);
    expect(board.said()).toEqual(new Set(['> first']));
  }, 60_000);
});

/** What `devs deploy` and the editor do, with jacdac-ts alone. */
async function deployOfficially(image: Uint8Array, open: OpenTransport): Promise<void> {
  const bus = new JDBus([], { disableRoleManager: true });
  let receive = (_frame: Uint8Array): void => undefined;
  const transport = await open((frame) => receive(frame));
  const bridge = createProxyBridge((frame) => transport.send(Uint8Array.from(frame)));
  bridge.bus = bus;
  receive = (frame) => bridge.receiveFrameOrPacket(frame);
  try {
    await bus.start();
    while (bus.services({ serviceClass: 0x1134ea2b })[0] === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const [service] = bus.services({ serviceClass: 0x1134ea2b });
    if (service === undefined) throw new Error('no service');
    await service.register(0x81).sendSetBoolAsync(false);
    await service.register(0x80).sendSetBoolAsync(false);
    try {
      await OutPipe.sendBytes(service, 0x80, image);
    } finally {
      await service.register(0x81).sendSetBoolAsync(true);
      await service.register(0x80).sendSetBoolAsync(true);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  } finally {
    await bus.stop();
    transport.close();
  }
}

describe('a board and its owner', () => {
  /** A board in virtual time; its chip survives the connection. */
  async function board(
    prepare?: (firmware: Firmware) => void,
  ): Promise<{ open: OpenBoardLink; printed: string[] }> {
    const printed: string[] = [];
    let onFrame = (_frame: Uint8Array): void => undefined;
    const link = await linkToChip(
      (flash, cause) => Promise.resolve(new WasmChip({ deviceId, seed: 3, prepare, flash, cause })),
      { onFrame: (frame) => onFrame(frame), print: (line) => printed.push(line) },
    );
    const open = (listener: (frame: Uint8Array) => void): Promise<BoardLink> => {
      onFrame = listener;
      return Promise.resolve(link);
    };
    return { open, printed };
  }
  const owned = (open: OpenBoardLink): Promise<OwnedBoard> =>
    OwnedBoard.connect(open, { timeout: 5 });
  const shown = (trust: Trust): unknown[] => [
    trust.state,
    trust.isLocked,
    trust.owner && Buffer.from(rawPublicKey(trust.owner)).toString('hex'),
  ];
  const mine = Buffer.from(rawPublicKey(key)).toString('hex');
  const theirs = Buffer.from(rawPublicKey(stranger)).toString('hex');

  it('is claimed, locked, unlocked, given away, reset', async () => {
    const { open } = await board();
    const one = await owned(open);
    expect(shown(await one.trust())).toEqual(['unclaimed', false, undefined]);
    await expect(one.tell('lock', key, { lock: true })).rejects.toThrow(/has no owner yet/);
    await one.tell('claim', key, { lock: true });
    expect(shown(await one.trust())).toEqual(['claimed', true, mine]);
    expect(trustText(one.device, await one.trust())).toMatch(
      /^device 1d46a30eef48919f: claimed by ([0-9a-f]{4}-){7}[0-9a-f]{4}; locked; no signed program$/,
    );
    await expect(one.tell('claim', stranger)).rejects.toThrow(/has an owner already/);
    await expect(one.tell('lock', stranger)).rejects.toThrow(/has not signed/);
    await one.tell('lock', key, { lock: false });
    await one.tell('reset', key);
    // after the reset the record is there still
    const again = await owned(open);
    expect(shown(await again.trust())).toEqual(['claimed', false, mine]);
    await again.tell('give', key, { newOwner: stranger });
    expect(shown(await again.trust())).toEqual(['claimed', false, theirs]);
  });

  const TEMPLATE = { serviceClass: 0x1c0ffee5, name: 'template' };
  const BULB = { serviceClass: 0x1cab054c, name: 'light bulb' };
  const ONCE = { attempts: 1, againMs: 200 };

  it('locked, its modules answer reads over a link, and stream, but take no commands', async () => {
    for (const isLocked of [false, true]) {
      const { open } = await board(isLocked ? builtIn : undefined);
      const template = await ServiceClient.connect(open, TEMPLATE, { timeout: 5 });
      const add = template.call(0x80, Uint8Array.of(50), ONCE);
      if (isLocked) await expect(add).rejects.toThrow(/has not answered/);
      else expect((await add).readUInt32LE()).toBeGreaterThan(49);
      expect((await template.readRegister(0x180)).readUInt32LE() < 50).toBe(isLocked);

      const bulb = await ServiceClient.connect(open, BULB, { timeout: 5 });
      await bulb.call(0x2001, Uint8Array.of(0xff, 0xff), ONCE).catch(() => undefined);
      expect((await bulb.readRegister(0x001)).readUInt16LE()).toBe(isLocked ? 0 : 0xffff);
    }
  });

  it('locked, its own script commands its modules', async () => {
    const file = join(folder, 'bulb.ts');
    writeFileSync(
      file,
      `import * as ds from '@devicescript/core';
const bulb = new ds.LightBulb();
setInterval(async () => {
  await bulb.intensity.write(0.5);
  console.log(await bulb.intensity.read());
}, 100);
`,
    );
    const { image } = await compileProgram(file);
    const one = new Cabled(new WasmChip({ deviceId, seed: 1, prepare: builtIn }));
    await deployImage(image, one.open, { key });
    expect([...one.said()].some((line) => line.startsWith('> 0.5'))).toBe(true);
  });
});
