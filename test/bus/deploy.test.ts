import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ACK_WANTED, COMMAND, Node, OWN_ID, type Packet } from './node.ts';
import { escape, frameOf, packetsOf } from './wire.ts';

const DEPLOY = 1;
const PIPE = 0x3e;
const CHUNK = 224;
const NONE: Uint8Array = new Uint8Array(0);
const REGION = 4096;
const HEADER = 256;

function program(bytes: number, seed = 1): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length: bytes }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

function u32(number: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(number).buffer);
}

/** Sends a command as the tools do, and gives back what came. */
function ask(node: Node, index: number, code: number, payload = NONE): Packet[] {
  const flags = COMMAND | (index === PIPE ? ACK_WANTED : 0);
  const command = { device: OWN_ID, command: code, flags, index, payload };
  node.takeSent();
  node.receive(escape(frameOf(command)));
  node.run(node.now + 1000);
  return packetsOf(node.takeSent());
}

function answer(node: Node, code: number, payload = NONE): Uint8Array {
  const found = ask(node, DEPLOY, code, payload).find((p) => p.index === DEPLOY);
  if (found?.command !== code) throw new Error(`no answer to ${code.toString(16)}`);
  return found.payload;
}

function openPipe(node: Node, bytes: number): number {
  const port = answer(node, 0x80, u32(bytes));
  return (port[0] ?? 0) | ((port[1] ?? 0) << 8);
}

/** Sends a program the way OutPipe of jacdac-ts does; `repeat` sends each packet so often. */
function deploy(node: Node, image: Uint8Array, repeat = 1, announced = image.length): void {
  const port = openPipe(node, announced);
  if (port === 0) throw new Error('refused');
  let counter = 0;
  for (let at = 0; at <= image.length; at += CHUNK) {
    const isLast = at + CHUNK > image.length;
    const send = (data: Uint8Array, flags: number): void => {
      for (let i = 0; i < repeat; i++) {
        const sent = ask(node, PIPE, (port << 7) | flags | (counter & 31), data);
        expect(sent.filter(({ index }) => index === 0x3f)).toHaveLength(1);
      }
      counter++;
    };
    if (at < image.length) send(image.subarray(at, at + CHUNK), 0);
    if (isLast) send(NONE, 0x20);
  }
}

describe('deploying a program', () => {
  for (const bytes of [32, 224, 256, 1024, 4096 - HEADER, 8000, 16384 - HEADER]) {
    test(`${bytes} bytes, which are there after a reboot`, async () => {
      const node = await Node.boot();
      expect(node.program).toBeUndefined();
      const image = program(bytes);
      deploy(node, image);
      expect(node.program).toEqual(image);
      expect(node.running).toEqual([1]);
      const sha = createHash('sha256').update(image).digest();
      expect(Buffer.from(answer(node, 0x1182))).toEqual(sha);
      expect(answer(node, 0x1180)).toEqual(u32(bytes));
      const again = await Node.boot(node.flash);
      expect(again.program).toEqual(image);
      expect(Buffer.from(answer(again, 0x1182))).toEqual(sha);
    });
  }

  test('tells of the change by an event', async () => {
    const node = await Node.boot();
    const events: number[] = [];
    node.onHear = ({ index, command }) => {
      if (index === DEPLOY && command & 0x8000) events.push(command & 0xff);
      return false;
    };
    deploy(node, program(64));
    expect(events).toEqual([3]);
  });

  test('packets sent again because their acknowledgement was lost count once', async () => {
    const node = await Node.boot();
    deploy(node, program(3000), 3);
    expect(node.program).toEqual(program(3000));
  });

  test('the next one takes the place of the first, shorter or longer', async () => {
    const node = await Node.boot();
    for (const [i, bytes] of [9000, 320, 12000, 64].entries()) {
      deploy(node, program(bytes, i + 7));
      expect(node.program).toEqual(program(bytes, i + 7));
    }
  });

  test('without autostart it stays stopped until told to run', async () => {
    const node = await Node.boot();
    ask(node, DEPLOY, 0x2081, Uint8Array.of(0));
    expect([...answer(node, 0x1081)]).toEqual([0]);
    deploy(node, program(64));
    expect(node.running).toEqual([]);
    ask(node, DEPLOY, 0x2080, Uint8Array.of(1));
    expect(node.running).toEqual([1]);
    expect([...answer(node, 0x1080)]).toEqual([1]);
    // running already: not started anew
    ask(node, DEPLOY, 0x2080, Uint8Array.of(1));
    expect(node.running).toEqual([1]);
  });

  test('a size of nothing clears it', async () => {
    const node = await Node.boot();
    deploy(node, program(640));
    deploy(node, NONE);
    expect(node.program).toBeUndefined();
    expect((await Node.boot(node.flash)).program).toBeUndefined();
    expect(answer(node, 0x1182)).toHaveLength(0);
  });

  test('is refused when it does not fit, and the old one stays', async () => {
    const node = await Node.boot();
    deploy(node, program(640));
    expect(openPipe(node, 16384 - HEADER + 1)).toBe(0);
    expect(node.program).toEqual(program(640));
  });

  test('fewer or more bytes than announced leave no program', async () => {
    for (const announced of [640, 704]) {
      const node = await Node.boot();
      deploy(node, program(672), 1, announced);
      expect(node.program).toBeUndefined();
      expect((await Node.boot(node.flash)).program).toBeUndefined();
    }
  });

  test('a strange port is nobody’s pipe', async () => {
    const node = await Node.boot();
    const port = openPipe(node, 32);
    ask(node, PIPE, ((port + 1) << 7) | 0, program(32));
    ask(node, PIPE, ((port + 1) << 7) | 0x21, NONE);
    expect(node.program).toBeUndefined();
    ask(node, PIPE, port << 7, program(32));
    ask(node, PIPE, (port << 7) | 0x21, NONE);
    expect(node.program).toEqual(program(32));
  });

  test('tells the version of the runtime that it stands in for', async () => {
    const node = await Node.boot();
    expect([...answer(node, 0x1183)]).toEqual([4, 0, 16, 2]);
  });

  test('a panic is an event with its code', async () => {
    const node = await Node.boot();
    node.run(1000);
    node.takeSent();
    node.call('rt_deploy_panicked', 60005, 77);
    node.run(2000);
    const event = packetsOf(node.takeSent()).find(({ command }) => (command & 0x80ff) === 0x8080);
    expect([...new Uint32Array(event?.payload.slice().buffer as ArrayBuffer)]).toEqual([60005, 77]);
  });
});

describe('a deploy that is cut off', () => {
  class PowerCut extends Error {}

  /** Flash after the power went at the nth flash operation, half of which had been done. */
  async function cutAt(nth: number): Promise<Uint8Array | undefined> {
    const node = await Node.boot();
    deploy(node, program(5000, 3));
    let operations = 0;
    node.onFlash = (operation, offset) => {
      if (++operations < nth) return;
      if (operation === 'erase') node.flash.fill(0xff, offset, offset + 2048);
      else node.flash.fill(0, offset + 100, offset + 130);
      throw new PowerCut();
    };
    try {
      deploy(node, program(9000, 4));
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
      return node.flash.slice();
    }
    return undefined;
  }

  test('leaves no program, or a whole one, wherever it was cut', async () => {
    const left: string[] = [];
    for (let nth = 1; ; nth++) {
      const flash = await cutAt(nth);
      if (flash === undefined) break;
      const found = (await Node.boot(flash)).program;
      if (found === undefined) left.push('none');
      else if (Buffer.from(found).equals(program(5000, 3))) left.push('old');
      else if (Buffer.from(found).equals(program(9000, 4))) left.push('new');
      else throw new Error(`operation ${nth}: a program that nobody deployed`);
    }
    // 3 sectors, 36 pages of program, the header
    expect(left).toHaveLength(40);
    expect(new Set(left)).toEqual(new Set(['none']));
  });

  test('a byte that changed in flash is noticed at boot', async () => {
    const node = await Node.boot();
    deploy(node, program(1000));
    for (const at of [REGION, REGION + 5, REGION + 20, REGION + 45, REGION + HEADER + 999]) {
      const flash = node.flash.slice();
      flash[at] = (flash[at] as number) ^ 1;
      expect((await Node.boot(flash)).program).toBeUndefined();
    }
  });
});
