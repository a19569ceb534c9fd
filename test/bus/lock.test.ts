/** Owners, signed programs, and everything that a locked board refuses. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rawPublicKey } from '../../fleet/keys.ts';
import { ANY_DEVICE, type OwnerAct, signOwner, signProgram } from '../../fleet/program.ts';
import {
  ANSWER,
  answer,
  ask,
  cutAt,
  deploy,
  DEVICE,
  HEADER,
  NONE,
  openPipe,
  OUTCOMES,
  program,
  REGION,
  result,
  setRegister,
  state,
  STORE,
  tell,
  trust,
} from './deployer.ts';
import { type Build, Node } from './node.ts';
import { unescape } from './wire.ts';

const keys = (): KeyObject => generateKeyPairSync('ed25519').privateKey;
const owner = keys();
const stranger = keys();
const raw = (key: KeyObject | undefined): number[] =>
  key === undefined ? [] : [...rawPublicKey(key)];

const OTHER_DEVICE = '0102030405060708';
const BUILT_IN: Build = { owner: rawPublicKey(owner), lock: true };

/** A board that `owner` has claimed. */
async function claimed(lock: boolean): Promise<Node> {
  const node = await Node.boot();
  expect(tell(node, owner, { act: 'claim', lock })).toBe(ANSWER.ok);
  return node;
}

/** A locked board with a program of the owner's, counter 10. */
async function running(): Promise<Node> {
  const node = await claimed(true);
  expect(deploySigned(node, program(640, 1), 10)).toBe(true);
  return node;
}

function deploySigned(node: Node, image: Uint8Array, counter: number, key = owner): boolean {
  const answered = state(node, signProgram(image, key, { counter }));
  if (answered !== ANSWER.ok) throw new Error(`answer ${answered}`);
  return deploy(node, image);
}

/** Lines of log that the work causes. */
function logOf(node: Node, work: () => void): string {
  const lines: string[] = [];
  const take = node.takeSent.bind(node);
  node.takeSent = () => {
    const sent = take();
    lines.push(unescape(sent).text);
    return sent;
  };
  work();
  node.takeSent();
  node.takeSent = take;
  return lines.join('');
}

/** With the signature of another key, or over other bytes, or none. */
const resigned = (statement: Uint8Array, key: KeyObject): Uint8Array =>
  Uint8Array.from([...statement.subarray(0, 56), ...sign(null, statement.subarray(0, 56), key)]);

describe('an owner', () => {
  test('a new board has none; the first key that claims it is its owner for good', async () => {
    const node = await Node.boot();
    expect(trust(node)).toMatchObject({ state: 'unclaimed', isLocked: false, counter: 0 });
    expect(trust(node).owner).toBeUndefined();
    expect(tell(node, owner, { act: 'claim' })).toBe(ANSWER.ok);
    expect(trust(node)).toMatchObject({ state: 'claimed', isLocked: false });
    expect(raw(trust(node).owner)).toEqual(raw(owner));
    expect(tell(node, stranger, { act: 'claim' })).toBe(ANSWER.owned);
    expect(tell(node, owner, { act: 'claim' })).toBe(ANSWER.owned);
    const again = await Node.boot(node.flash);
    expect(trust(again).state).toBe('claimed');
    expect(raw(trust(again).owner)).toEqual(raw(owner));
  });

  test('a claim must be signed by the key that claims', async () => {
    const node = await Node.boot();
    const { challenge } = trust(node);
    const statement = signOwner({ act: 'claim', device: DEVICE, challenge }, owner);
    expect(state(node, resigned(statement, stranger))).toBe(ANSWER.signature);
    expect(trust(node).state).toBe('unclaimed');
    expect(state(node, statement)).toBe(ANSWER.ok);
  });

  test('what the owner alone may do', async () => {
    const node = await claimed(false);
    const acts: OwnerAct[] = ['give', 'lock', 'reset'];
    for (const act of acts) {
      expect(tell(node, stranger, { act, lock: true })).toBe(ANSWER.signature);
      // naming the owner, signed by another
      const { challenge } = trust(node);
      const statement = signOwner({ act, device: DEVICE, challenge, lock: true }, owner);
      expect(state(node, resigned(statement, stranger))).toBe(ANSWER.signature);
    }
    expect(trust(node)).toMatchObject({ state: 'claimed', isLocked: false });
    expect(tell(node, owner, { act: 'lock', lock: true })).toBe(ANSWER.ok);
    expect(trust(node).isLocked).toBe(true);
    expect(tell(node, owner, { act: 'lock', lock: false })).toBe(ANSWER.ok);
    expect(trust(node).isLocked).toBe(false);
    expect(node.resets).toBe(0);
    expect(tell(node, owner, { act: 'reset' })).toBe(ANSWER.ok);
    expect(() => node.run(node.now + 20_000)).toThrow('reset');
    expect(node.resets).toBe(1);
  });

  test('gives the board away', async () => {
    const node = await claimed(true);
    expect(tell(node, owner, { act: 'give', lock: true, newOwner: stranger })).toBe(ANSWER.ok);
    expect(raw(trust(node).owner)).toEqual(raw(stranger));
    expect(trust(node).isLocked).toBe(true);
    expect(tell(node, owner, { act: 'lock' })).toBe(ANSWER.signature);
    expect(tell(node, stranger, { act: 'lock' })).toBe(ANSWER.ok);
    expect(raw(trust(await Node.boot(node.flash)).owner)).toEqual(raw(stranger));
  });

  test('a statement is good for one device, one moment and one time', async () => {
    const node = await claimed(false);
    const { challenge } = trust(node);
    const made = { act: 'lock', device: DEVICE, challenge, lock: true } as const;
    expect(state(node, signOwner({ ...made, device: OTHER_DEVICE }, owner))).toBe(ANSWER.device);
    expect(state(node, signOwner({ ...made, device: ANY_DEVICE }, owner))).toBe(ANSWER.device);
    const late = challenge.map((byte) => byte ^ 1);
    expect(state(node, signOwner({ ...made, challenge: late }, owner))).toBe(ANSWER.challenge);
    // none of that has used the challenge up
    expect(trust(node).challenge).toEqual(challenge);
    const statement = signOwner(made, owner);
    expect(state(node, statement)).toBe(ANSWER.ok);
    expect(trust(node).challenge).not.toEqual(challenge);
    expect(state(node, statement)).toBe(ANSWER.challenge);
    const next = await Node.boot(node.flash, { seed: 7 });
    expect(state(next, statement)).toBe(ANSWER.challenge);
  });

  test('a statement that is damaged anywhere is refused and changes nothing', async () => {
    const node = await claimed(false);
    const { challenge } = trust(node);
    const made = {
      act: 'give',
      device: DEVICE,
      challenge,
      lock: true,
      newOwner: stranger,
    } as const;
    const statement = signOwner(made, owner);
    for (let bit = 0; bit < 8 * statement.length; bit += 3) {
      const damaged = statement.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(state(node, damaged)).not.toBe(ANSWER.ok);
    }
    for (const size of [0, 1, 4, 56, 119]) {
      expect(state(node, statement.subarray(0, size))).toBe(ANSWER.format);
    }
    expect(state(node, Uint8Array.from([...statement, 0]))).toBe(ANSWER.format);
    expect(trust(node)).toMatchObject({ state: 'claimed', isLocked: false });
    expect(raw(trust(node).owner)).toEqual(raw(owner));
    expect(state(node, statement)).toBe(ANSWER.ok);
  });

  test('noise is refused', async () => {
    const node = await claimed(true);
    const magic = fc.constantFrom('RTo1', 'RTs1', 'RtD1', '    ');
    const noise = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(magic, noise, (head, bytes) => {
        const payload = Uint8Array.from([...Buffer.from(head), ...bytes]);
        expect(state(node, payload)).not.toBe(ANSWER.ok);
      }),
      { numRuns: 300, seed: 5 },
    );
    expect(trust(node)).toMatchObject({ state: 'claimed', isLocked: true });
  });

  test('one that is built in cannot be changed over a link', async () => {
    const node = await Node.boot(undefined, BUILT_IN);
    expect(trust(node)).toMatchObject({ state: 'built in', isLocked: true });
    expect(raw(trust(node).owner)).toEqual(raw(owner));
    for (const act of ['claim', 'give', 'lock'] as const) {
      expect(tell(node, owner, { act, newOwner: stranger })).toBe(ANSWER.builtIn);
    }
    expect(tell(node, stranger, { act: 'claim' })).toBe(ANSWER.builtIn);
    expect(tell(node, stranger, { act: 'reset' })).toBe(ANSWER.signature);
    expect(tell(node, owner, { act: 'reset' })).toBe(ANSWER.ok);
  });

  test('one that is built in counts more than one who claimed the board before', async () => {
    const node = await Node.boot();
    expect(tell(node, stranger, { act: 'claim' })).toBe(ANSWER.ok);
    const again = await Node.boot(node.flash, BUILT_IN);
    expect(trust(again).state).toBe('built in');
    expect(raw(trust(again).owner)).toEqual(raw(owner));
  });

  test('a firmware that cannot check signatures has none and takes none', async () => {
    const node = await Node.boot(undefined, { signatures: false });
    expect(trust(node).state).toBe('unsupported');
    expect(tell(node, owner, { act: 'claim' })).toBe(ANSWER.unsupported);
    const image = program(300);
    expect(state(node, signProgram(image, owner, { counter: 1 }))).toBe(ANSWER.unsupported);
    expect(deploy(node, image)).toBe(true);
    expect(node.program).toEqual(image);
  });

  test('keys that anybody can sign for are nobody’s', async () => {
    // points of small order: 0, 1, -1 and one of order 8
    const weak = ['00'.repeat(32), `01${'00'.repeat(31)}`, `ec${'ff'.repeat(30)}7f`].concat(
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    );
    for (const key of weak) {
      const node = await Node.boot();
      const { challenge } = trust(node);
      const statement = signOwner({ act: 'claim', device: DEVICE, challenge }, owner);
      statement.set(Buffer.from(key, 'hex'), 24);
      // R = the identity, S = 0: good for such keys where nobody looks
      statement.fill(0, 56);
      statement[56] = 1;
      expect(state(node, statement)).toBe(ANSWER.signature);
      expect(trust(node).state).toBe('unclaimed');
    }
  });
});

describe('a locked board', () => {
  test('takes what the owner has signed, and keeps it', async () => {
    const node = await running();
    expect(node.program).toEqual(program(640, 1));
    expect(trust(node)).toMatchObject({ isLocked: true, isSigned: true, counter: 10 });
    const again = await Node.boot(node.flash);
    expect(again.program).toEqual(program(640, 1));
    expect(trust(again).counter).toBe(10);
  });

  test('refuses a program without a signature, says why, and writes nothing', async () => {
    const node = await running();
    const before = node.flash.slice();
    const log = logOf(node, () => expect(openPipe(node, 640)).toBe(0));
    expect(log).toContain('locked');
    expect(log).toContain('retune deploy --key');
    expect(result(node)).toBe(ANSWER.permit);
    expect(Buffer.compare(node.flash, before)).toBe(0);
    expect(node.program).toEqual(program(640, 1));
    // also when it is to be cleared
    expect(openPipe(node, 0)).toBe(0);
    expect(Buffer.compare(node.flash, before)).toBe(0);
  });

  test('refuses every statement that is not the owner’s for this device', async () => {
    const node = await running();
    const image = program(500, 2);
    const good = signProgram(image, owner, { counter: 11 });
    const cases: [string, Uint8Array, number][] = [
      ['another key', signProgram(image, stranger, { counter: 11 }), ANSWER.signature],
      ['signed again', resigned(good, stranger), ANSWER.signature],
      [
        'another device',
        signProgram(image, owner, { counter: 11, device: OTHER_DEVICE }),
        ANSWER.device,
      ],
      ['older', signProgram(image, owner, { counter: 9 }), ANSWER.counter],
      ['as old, and another one', signProgram(image, owner, { counter: 10 }), ANSWER.counter],
      ['truncated', good.subarray(0, 119), ANSWER.format],
      ['no counter', resigned(withWord(good, 8, 0), owner), ANSWER.format],
      ['reserved bytes', resigned(withWord(good, 12, 1), owner), ANSWER.format],
      ['other bytes', withWord(good, 4, 501), ANSWER.signature],
      ['another hash', withWord(good, 24, 1), ANSWER.signature],
      ['another counter', withWord(good, 8, 12), ANSWER.signature],
      ['an owner’s magic', resigned(withWord(good, 0, 0x316f5452), owner), ANSWER.format],
    ];
    for (const [what, statement, expected] of cases) {
      expect([what, state(node, statement)]).toEqual([what, expected]);
      expect([what, openPipe(node, 500)]).toEqual([what, 0]);
    }
    expect(node.program).toEqual(program(640, 1));
    const mine = signProgram(image, owner, { counter: 11, device: DEVICE });
    expect(state(node, mine)).toBe(ANSWER.ok);
    expect(deploy(node, image)).toBe(true);
    expect(node.program).toEqual(image);
  });

  test('refuses other bytes than were signed, of the same size or not', async () => {
    const node = await running();
    const image = program(500, 2);
    const statement = signProgram(image, owner, { counter: 11 });
    expect(state(node, statement)).toBe(ANSWER.ok);
    expect(openPipe(node, 501)).toBe(0);
    expect(result(node)).toBe(ANSWER.size);
    // that was the statement's only use
    expect(openPipe(node, 500)).toBe(0);
    expect(state(node, statement)).toBe(ANSWER.ok);
    deploy(node, program(500, 3));
    expect(result(node)).toBe(ANSWER.hash);
    expect(node.program).toEqual(program(640, 1));
    expect((await Node.boot(node.flash)).program).toEqual(program(640, 1));
    expect(trust(node).counter).toBe(10);
    expect(deploySigned(node, image, 11)).toBe(true);
    expect(node.program).toEqual(image);
  });

  test('takes the same program again, but none of before', async () => {
    const node = await running();
    expect(deploySigned(node, program(640, 1), 10)).toBe(true);
    expect(deploySigned(node, program(500, 2), 12)).toBe(true);
    expect(deploySigned(node, program(500, 3), 13)).toBe(true);
    for (const [image, counter] of [
      [program(640, 1), 10],
      [program(500, 2), 12],
    ] as const) {
      expect(state(node, signProgram(image, owner, { counter }))).toBe(ANSWER.counter);
    }
    const again = await Node.boot(node.flash);
    expect(state(again, signProgram(program(500, 2), owner, { counter: 12 }))).toBe(ANSWER.counter);
  });

  test('counts on over programs that were cleared, unsigned, or took the whole region', async () => {
    const node = await running();
    expect(tell(node, owner, { act: 'lock', lock: false })).toBe(ANSWER.ok);
    deploy(node, NONE);
    expect(trust(node).counter).toBe(10);
    deploy(node, program(300, 4));
    deploy(node, program(12000, 5));
    expect(trust(await Node.boot(node.flash)).counter).toBe(10);
    expect(deploySigned(node, program(12000, 6), 20)).toBe(true);
    deploy(node, program(12000, 7));
    const again = await Node.boot(node.flash);
    expect(trust(again).counter).toBe(20);
    expect(state(again, signProgram(program(9), owner, { counter: 20 }))).toBe(ANSWER.counter);
  });

  test('a statement in the middle of a transfer does not touch it', async () => {
    const node = await running();
    const image = program(500, 2);
    expect(state(node, signProgram(image, owner, { counter: 11 }))).toBe(ANSWER.ok);
    deploy(node, image, { isCut: true });
    const other = signProgram(program(500, 3), owner, { counter: 12 });
    expect(state(node, other)).toBe(ANSWER.link);
    expect(node.program).toEqual(program(640, 1));
  });

  test('cannot be stopped, kept from starting or reset over a link', async () => {
    const node = await running();
    node.isRunning = 1;
    setRegister(node, 0x80, 0);
    setRegister(node, 0x81, 0);
    ask(node, 0, 0x2080, Uint8Array.of(1, 0, 0, 0));
    expect(ask(node, 0, 0x82).map(({ command }) => command)).toContain(3); // not implemented
    node.run(node.now + 100_000);
    expect([node.isRunning, node.resets]).toEqual([1, 0]);
    expect([...answer(node, 0x1081)]).toEqual([1]);
    // and can be once it is open
    expect(tell(node, owner, { act: 'lock', lock: false })).toBe(ANSWER.ok);
    setRegister(node, 0x80, 0);
    expect(node.isRunning).toBe(0);
  });

  test('a stopped sender leaves the program before', async () => {
    const node = await running();
    const image = program(3000, 2);
    expect(state(node, signProgram(image, owner, { counter: 11 }))).toBe(ANSWER.ok);
    deploy(node, image, { isCut: true });
    expect((await Node.boot(node.flash)).program).toEqual(program(640, 1));
    node.run(node.now + 31_000_000);
    expect(node.program).toEqual(program(640, 1));
    // the statement went with the transfer
    expect(openPipe(node, 3000)).toBe(0);
  });

  test('does not run what somebody wrote before it was locked, or its owner has not signed', async () => {
    const open = await Node.boot();
    deploy(open, program(640, 1));
    const log: string[] = [];
    const locked = await Node.boot(open.flash, BUILT_IN);
    expect(locked.program).toBeUndefined();
    locked.process();
    log.push(unescape(locked.takeSent()).text);
    expect(log.join('')).toContain('its owner has not signed it');
    // that of another owner neither
    const other = await Node.boot();
    expect(tell(other, stranger, { act: 'claim', lock: true })).toBe(ANSWER.ok);
    deploySigned(other, program(640, 1), 5, stranger);
    expect((await Node.boot(other.flash)).program).toEqual(program(640, 1));
    expect((await Node.boot(other.flash, BUILT_IN)).program).toBeUndefined();
  });

  test('runs the signed one beside a newer one that is not', async () => {
    const node = await claimed(false);
    deploySigned(node, program(640, 1), 5);
    deploy(node, program(640, 2));
    expect(node.program).toEqual(program(640, 2));
    expect(tell(node, owner, { act: 'lock', lock: true })).toBe(ANSWER.ok);
    expect((await Node.boot(node.flash)).program).toEqual(program(640, 1));
  });

  test('a program changed in flash with a checksum to match is not run', async () => {
    const node = await running();
    const flash = node.flash.slice();
    flash[REGION + HEADER + 17] = (flash[REGION + HEADER + 17] as number) ^ 4;
    mendChecksums(flash.subarray(REGION, REGION + HEADER + 640));
    expect((await Node.boot(flash)).program).toBeUndefined();
    // on an open board it would be
    const open = await Node.boot();
    open.flash.set(flash.subarray(REGION, STORE), REGION);
    expect((await Node.boot(open.flash)).program?.[17]).toBe((program(640, 1)[17] as number) ^ 4);
  });

  test('a flood of false statements leaves it four fifths of its time', async () => {
    const node = await running();
    const statement = signProgram(program(9), stranger, { counter: 11 });
    const before = node.spent;
    const answers: number[] = [];
    for (let i = 0; i < 100; i++) answers.push(state(node, statement, 30_000));
    expect(answers.filter((one) => one === ANSWER.signature)).toHaveLength(4);
    expect(answers.filter((one) => one === ANSWER.busy)).toHaveLength(96);
    expect(node.spent - before).toBe(4 * 26_500_000);
    // one that is refused for another reason does not delay the owner's
    expect(state(node, NONE)).toBe(ANSWER.format);
    expect(state(node, signProgram(program(9), owner, { counter: 11 }), 0)).toBe(ANSWER.ok);
  });

  test('checking a signature costs its time in the simulator', async () => {
    const node = await running();
    const before = node.spent;
    state(node, signProgram(program(9), stranger, { counter: 11 }));
    expect(node.spent - before).toBe(26_500_000);
  });
});

describe('an open board with an owner', () => {
  test('takes programs with and without a signature', async () => {
    const node = await claimed(false);
    expect(deploy(node, program(300, 1))).toBe(true);
    expect(trust(node).isSigned).toBe(false);
    expect(deploySigned(node, program(300, 2), 4)).toBe(true);
    expect(trust(node)).toMatchObject({ isSigned: true, counter: 4 });
    // a statement of something else is put aside
    expect(state(node, signProgram(program(300, 3), owner, { counter: 5 }))).toBe(ANSWER.ok);
    expect(deploy(node, program(400, 4))).toBe(true);
    expect(node.program).toEqual(program(400, 4));
    expect(trust(node).isSigned).toBe(false);
  });

  test('a statement that nobody could have signed is refused', async () => {
    const node = await Node.boot();
    expect(state(node, signProgram(program(9), owner, { counter: 1 }))).toBe(ANSWER.unclaimed);
  });
});

describe('the record of the owner', () => {
  const records = (flash: Uint8Array): number[] => {
    const key = Buffer.from(rawPublicKey(owner));
    const found: number[] = [];
    for (let at = flash.indexOf(key[0] as number, STORE); at >= 0;) {
      if (Buffer.from(flash.subarray(at, at + 32)).equals(key)) found.push(at);
      at = flash.indexOf(key[0] as number, at + 1);
    }
    return found;
  };

  /** More than the store mends. */
  const spoil = (flash: Uint8Array, at: number): void => void flash.fill(0, at + 3, at + 20);

  test('is there twice: one of them may be spoilt', async () => {
    const node = await claimed(true);
    const places = records(node.flash);
    expect(places).toHaveLength(2);
    for (const at of places) {
      const flash = node.flash.slice();
      spoil(flash, at);
      const again = await Node.boot(flash);
      expect(trust(again)).toMatchObject({ state: 'claimed', isLocked: true });
      expect(raw(trust(again).owner)).toEqual(raw(owner));
    }
  });

  test('both spoilt: a board with a signed program goes on, takes nothing, and is not free', async () => {
    const node = await running();
    const flash = node.flash.slice();
    for (const at of records(flash)) spoil(flash, at);
    for (let boot = 0; boot < 2; boot++) {
      const again = await Node.boot(flash);
      expect(again.program).toEqual(program(640, 1));
      expect(trust(again)).toMatchObject({ state: 'damaged', isLocked: true });
      expect(trust(again).owner).toBeUndefined();
      expect(tell(again, stranger, { act: 'claim' })).toBe(ANSWER.damaged);
      expect(tell(again, owner, { act: 'lock' })).toBe(ANSWER.damaged);
      expect(state(again, signProgram(program(9), owner, { counter: 11 }))).toBe(ANSWER.damaged);
      expect(openPipe(again, 300)).toBe(0);
      flash.set(again.flash);
    }
    // nor does that matter where the owner is built in
    expect(trust(await Node.boot(flash, BUILT_IN))).toMatchObject({ state: 'built in' });
    // a board that never had a signed program cannot know
    const fresh = await claimed(false);
    const other = fresh.flash.slice();
    for (const at of records(other)) spoil(other, at);
    expect(trust(await Node.boot(other)).state).toBe('unclaimed');
  });

  for (const outcome of Object.keys(OUTCOMES)) {
    test(`a power cut leaves it as it was or as it should be (${outcome})`, async () => {
      const works: [string, () => Promise<Node>, (node: Node) => number, string[]][] = [
        [
          'claim',
          () => Node.boot(),
          (node) => tell(node, owner, { act: 'claim', lock: true }),
          ['unclaimed open ', 'claimed locked mine'],
        ],
        [
          'give',
          () => claimed(true),
          (node) => tell(node, owner, { act: 'give', lock: false, newOwner: stranger }),
          ['claimed locked mine', 'claimed open theirs'],
        ],
        [
          'lock',
          () => claimed(true),
          (node) => tell(node, owner, { act: 'lock', lock: false }),
          ['claimed locked mine', 'claimed open mine'],
        ],
      ];
      const describeTrust = (node: Node): string => {
        const { state: name, isLocked, owner: key } = trust(node);
        const whose = new Map([
          [raw(owner).join(), 'mine'],
          [raw(stranger).join(), 'theirs'],
        ]);
        const text = key === undefined ? '' : whose.get(raw(key).join());
        return `${name} ${isLocked ? 'locked' : 'open'} ${text}`;
      };
      for (const [what, before, work, allowed] of works) {
        const seen = new Set<string>();
        for (let nth = 1; ; nth++) {
          const node = await before();
          const run = (): void => expect(work(node)).toBe(ANSWER.ok);
          const flash = cutAt(node, nth, OUTCOMES[outcome] ?? (() => undefined), run);
          if (flash === undefined) break;
          const again = await Node.boot(flash, { seed: nth });
          const found = describeTrust(again);
          expect([what, nth, allowed]).toEqual([what, nth, expect.arrayContaining([found])]);
          seen.add(found);
          // and the owner gets on with it
          if (found === allowed[0]) expect(work(again)).toBe(ANSWER.ok);
          expect(describeTrust(again)).toBe(allowed[1]);
          expect(describeTrust(await Node.boot(again.flash))).toBe(allowed[1]);
        }
        expect(seen).toContain(allowed[0]);
      }
    });
  }
});

function withWord(bytes: Uint8Array, at: number, word: number): Uint8Array {
  const copy = Buffer.from(bytes);
  copy.writeUInt32LE(word, at);
  return Uint8Array.from(copy);
}

function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** As somebody would who can write the flash, and knows the format. */
function mendChecksums(place: Uint8Array): void {
  const view = new DataView(place.buffer, place.byteOffset);
  view.setUint32(8, crc32(place.subarray(HEADER)), true);
  view.setUint32(252, crc32(place.subarray(0, 252)), true);
}
