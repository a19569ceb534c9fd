import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Node } from './node.ts';
import {
  answer,
  ask,
  cutAt,
  deploy,
  DEPLOY,
  HALF,
  HEADER,
  NONE,
  openPipe,
  OUTCOMES,
  PIPE,
  program,
  REGION,
  REGION_BYTES,
  result,
  setRegister,
  u32,
} from './deployer.ts';
import { packetsOf } from './wire.ts';

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
    deploy(node, program(3000), { repeat: 3 });
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
    expect(openPipe(node, REGION_BYTES - HEADER + 1)).toBe(0);
    expect(result(node)).toBe(12);
    expect(node.program).toEqual(program(640));
  });

  test('fewer or more bytes than announced leave the program before', async () => {
    for (const announced of [640, 704]) {
      const node = await Node.boot();
      deploy(node, program(500, 9));
      deploy(node, program(672), { announced });
      expect(node.program).toEqual(program(500, 9));
      expect(result(node)).toBe(12);
      expect((await Node.boot(node.flash)).program).toEqual(program(500, 9));
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

describe('two places', () => {
  const places = (node: Node): string[] => {
    const names: string[] = [];
    node.onFlash = (operation, offset) => {
      if (operation === 'erase') names.push(offset < REGION + HALF ? 'first' : 'second');
    };
    return names;
  };

  test('programs take turns in them', async () => {
    const node = await Node.boot();
    const erased = places(node);
    for (let i = 0; i < 4; i++) deploy(node, program(300, i));
    expect(erased).toEqual(['first', 'second', 'first', 'second']);
    expect(node.program).toEqual(program(300, 3));
  });

  test('the one that runs is not stopped, and not written to, while the next one comes', async () => {
    const node = await Node.boot();
    deploy(node, program(7000, 1));
    node.isRunning = 1;
    const erased = places(node);
    deploy(node, program(7000, 2), { isCut: true });
    expect(node.isRunning).toBe(1);
    expect(new Set(erased)).toEqual(new Set(['second']));
    expect(node.program).toEqual(program(7000, 1));
  });

  test('one that is still running, though replaced, is stopped before its place is written', async () => {
    const node = await Node.boot();
    deploy(node, program(300, 1));
    setRegister(node, 0x81, 0); // nobody starts the next one
    node.isRunning = 1;
    expect(node.program).toEqual(program(300, 1)); // as at its start
    deploy(node, program(300, 2));
    expect(node.isRunning).toBe(1);
    deploy(node, program(300, 3));
    expect(node.isRunning).toBe(0);
  });

  test('a program too large for half of the region takes all of it, and gives it back', async () => {
    const node = await Node.boot();
    const sizes = [300, HALF - HEADER, HALF - HEADER + 1, 400, 12000, 12001, 500, 300];
    for (const [i, bytes] of sizes.entries()) {
      deploy(node, program(bytes, i));
      expect(node.program).toEqual(program(bytes, i));
      expect((await Node.boot(node.flash)).program).toEqual(program(bytes, i));
    }
  });

  test('what lies in the middle of a large program is no program, before and after', async () => {
    const donor = await Node.boot();
    for (let i = 0; i < 9; i++) deploy(donor, program(300, 77)); // of a high sequence
    deploy(donor, program(300, 78));
    const other = donor.flash.slice(REGION + HALF, REGION + HALF + 1024);
    const image = program(12000, 5);
    image.set(other, HALF - HEADER);
    const node = await Node.boot();
    deploy(node, image);
    expect((await Node.boot(node.flash)).program).toEqual(image);
    deploy(node, program(300, 6));
    expect((await Node.boot(node.flash)).program).toEqual(program(300, 6));
  });

  test('a program of an earlier firmware is found and replaced', async () => {
    for (const bytes of [1000, 12000]) {
      const node = await Node.boot();
      const image = program(bytes, 3);
      const header = new Uint8Array(256).fill(0xff);
      header.set(Buffer.from('RTP1'));
      header.set(u32(bytes), 4);
      header.set(u32(crc32(image)), 8);
      header.set(createHash('sha256').update(image).digest(), 12);
      header.set(u32(crc32(header.subarray(0, 44))), 44);
      node.flash.set(header, REGION);
      node.flash.set(image, REGION + HEADER);
      const next = await Node.boot(node.flash);
      expect(next.program).toEqual(image);
      expect(Buffer.from(answer(next, 0x1182))).toEqual(
        createHash('sha256').update(image).digest(),
      );
      deploy(next, program(640));
      expect((await Node.boot(next.flash)).program).toEqual(program(640));
    }
  });

  test('when the newer one is damaged, the one before it runs', async () => {
    const node = await Node.boot();
    deploy(node, program(1000, 1));
    deploy(node, program(1100, 2));
    const second = REGION + HALF;
    for (const at of [0, 5, 20, 45, 50, 70, 200, 254, HEADER, HEADER + 1099]) {
      const flash = node.flash.slice();
      flash[second + at] = (flash[second + at] as number) ^ 1;
      const again = await Node.boot(flash);
      expect(again.program).toEqual(program(1000, 1));
      deploy(again, program(500, 3));
      expect((await Node.boot(again.flash)).program).toEqual(program(500, 3));
    }
  });
});

describe('a deploy that comes to nothing starts what the tools had stopped', () => {
  /** Stopped as the tools do it. */
  async function stopped(): Promise<Node> {
    const node = await Node.boot();
    deploy(node, program(640, 1));
    setRegister(node, 0x81, 0);
    setRegister(node, 0x80, 0);
    expect(node.isRunning).toBe(0);
    node.running.length = 0;
    return node;
  }
  const isBack = (node: Node): void => {
    expect(node.running).toEqual([1]);
    expect([...answer(node, 0x1081)]).toEqual([1]);
    expect(node.program).toEqual(program(640, 1));
  };

  test('too large', async () => {
    const node = await stopped();
    expect(openPipe(node, 99999)).toBe(0);
    isBack(node);
  });

  test('shorter than announced', async () => {
    const node = await stopped();
    deploy(node, program(500, 2), { announced: 501 });
    isBack(node);
  });

  test('its sender has gone: after half a minute', async () => {
    const node = await stopped();
    deploy(node, program(500, 2), { isCut: true });
    node.run(node.now + 29_000_000);
    expect(node.running).toEqual([]);
    node.run(node.now + 2_000_000);
    isBack(node);
    expect(result(node)).toBe(16);
    // what comes late is nobody's
    const before = node.flash.slice();
    ask(node, PIPE, (1 << 7) | 3, program(100));
    expect(Buffer.compare(node.flash, before)).toBe(0);
  });

  test('a sender that is slow is waited for', async () => {
    const node = await stopped();
    const port = openPipe(node, 672);
    for (let i = 0; i < 3; i++) {
      ask(node, PIPE, (port << 7) | i, program(672, 4).subarray(224 * i, 224 * i + 224));
      node.run(node.now + 25_000_000);
    }
    ask(node, PIPE, (port << 7) | 0x23, NONE);
    expect(node.program).toEqual(program(672, 4));
    expect(result(node)).toBe(0);
  });

  test('one that nobody stopped is not started', async () => {
    const node = await Node.boot();
    deploy(node, program(640, 1));
    node.running.length = 0;
    deploy(node, program(500, 2), { announced: 501 });
    expect(node.running).toEqual([]);
  });
});

function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

describe('a deploy that is cut off', () => {
  /** What was found after a cut at each operation in turn. */
  async function cutEverywhere(
    before: Uint8Array[],
    next: Uint8Array,
    outcome: keyof typeof OUTCOMES,
  ): Promise<string[]> {
    const left: string[] = [];
    const board = await Node.boot();
    for (const image of before) deploy(board, image);
    const old = before.at(-1) as Uint8Array;
    for (let nth = 1; ; nth++) {
      const node = await Node.boot(board.flash);
      const flash = cutAt(node, nth, OUTCOMES[outcome] ?? fail, () => void deploy(node, next));
      if (flash === undefined) return left;
      const again = await Node.boot(flash);
      const found = again.program;
      if (found === undefined) left.push('none');
      else if (Buffer.from(found).equals(old)) left.push('old');
      else if (Buffer.from(found).equals(next)) left.push('new');
      else throw new Error(`operation ${nth}: a program that nobody deployed`);
      // and the board is none the worse for it
      deploy(again, program(500, 5));
      expect(again.program).toEqual(program(500, 5));
    }
  }
  const fail = (): never => {
    throw new Error('no such outcome');
  };

  for (const outcome of Object.keys(OUTCOMES)) {
    test(`leaves the program before, wherever it was cut (${outcome})`, async () => {
      const first = await cutEverywhere([program(5000, 3)], program(6000, 4), outcome);
      // 2 sectors, 24 pages of program, the header
      expect(first).toHaveLength(27);
      expect(new Set(first)).toEqual(new Set(['old']));
      const second = await cutEverywhere(
        [program(2000, 2), program(300, 3)],
        program(1000, 4),
        outcome,
      );
      expect(second).toHaveLength(6);
      expect(new Set(second)).toEqual(new Set(['old']));
    });

    test(`one that needs the whole region leaves a whole one or none (${outcome})`, async () => {
      const left = await cutEverywhere([program(5000, 3)], program(9000, 4), outcome);
      // 3 sectors, 36 pages of program, the header
      expect(left).toHaveLength(40);
      expect(left.slice(1)).not.toContain('old');
      expect(left).not.toContain('new');
      const beside = await cutEverywhere(
        [program(200, 2), program(300, 3)],
        program(9000, 4),
        outcome,
      );
      // until it reaches the second place, that one lives
      expect(beside.slice(0, 30)).toEqual(Array(30).fill('old'));
      expect(beside.at(-1)).toBe('none');
    });
  }

  test('a byte that changed in flash is noticed at boot', async () => {
    const node = await Node.boot();
    deploy(node, program(1000));
    for (const at of [REGION, REGION + 5, REGION + 20, REGION + 45, REGION + HEADER + 999]) {
      const flash = node.flash.slice();
      flash[at] = (flash[at] as number) ^ 1;
      expect((await Node.boot(flash)).program).toBeUndefined();
    }
  });

  test('flash that does not take its bits is noticed, and the program before stays', async () => {
    for (const page of [0, 256, 512]) {
      const node = await Node.boot();
      deploy(node, program(640, 1));
      const at = REGION + HALF + page;
      node.onWritten = (operation, offset) => {
        if (operation === 'program' && offset === at) node.flash[at + 7] = 0x5a;
      };
      deploy(node, program(640, 2));
      expect(result(node)).toBe(15);
      expect(node.program).toEqual(program(640, 1));
      expect((await Node.boot(node.flash)).program).toEqual(program(640, 1));
    }
  });
});
