import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ACK_WANTED, COMMAND, Node, OWN_ID, type Packet } from './node.ts';
import { crc, escape, frameOf, frameOfAll, packetsOf, unescape } from './wire.ts';

const ADC_CLASS = 0x12345678;
const REMOTE = 0x8877665544332211n;

function command(index: number, code: number, payload: number[] = []): Packet {
  const bytes = Uint8Array.from(payload);
  return { device: OWN_ID, command: code, flags: COMMAND, index, payload: bytes };
}

async function nodeWithService(): Promise<Node> {
  const node = await Node.boot();
  expect(node.call('rt_bus_add_service', ADC_CLASS)).toBe(2);
  node.run(1000);
  node.takeSent();
  return node;
}

describe('frames of a link', () => {
  test('any payload goes in and out unchanged, the escape byte included', async () => {
    const node = await nodeWithService();
    const payloads = fc.uint8Array({ maxLength: 236 });
    node.onCommand = ({ payload, command: code }) => {
      node.send({ ...command(2, code), flags: 0, payload });
    };
    fc.assert(
      fc.property(payloads, fc.boolean(), (payload, hasEscapes) => {
        if (hasEscapes) payload.fill(0xfe, 0, payload.length / 2);
        const packet = { ...command(2, 0x80), payload };
        node.receive(escape(frameOf(packet)));
        node.run(node.now + 1000);
        node.run(node.now + 1000);
        expect(node.served.pop()).toEqual(packet);
        const answers = packetsOf(node.takeSent()).filter(({ index }) => index === 2);
        expect(answers).toEqual([{ ...packet, flags: 0 }]);
      }),
      { numRuns: 60 },
    );
  });

  test('several packets of one frame arrive in their order', async () => {
    const node = await nodeWithService();
    const packets = [command(2, 0x80, [1, 2, 3]), command(2, 0x81), command(2, 0x82, [9])];
    node.receive(escape(frameOfAll(OWN_ID, COMMAND, packets)));
    node.process();
    expect(node.served).toEqual(packets);
  });

  test('whatever else comes over the line neither crashes nor does anything', async () => {
    const node = await nodeWithService();
    const anything = fc.array(fc.oneof(fc.constantFrom(0xfe, 0xfc, 0xfd, 0xf8), fc.nat(255)));
    fc.assert(
      fc.property(anything, (bytes) => {
        node.receive(bytes);
        node.process();
        expect(node.served).toEqual([]);
      }),
      { numRuns: 300 },
    );
    // and the next frame is understood
    node.receive([0xfe, 0xfe, ...escape(frameOf(command(2, 0x80)))]);
    node.receive(escape(frameOf(command(2, 0x81))));
    node.process();
    expect(node.served.at(-1)?.command).toBe(0x81);
  });

  test('a frame with a wrong checksum or length is dropped', async () => {
    const node = await nodeWithService();
    const frame = frameOf(command(2, 0x80, [1, 2, 3, 4]));
    for (let at = 0; at < frame.length; at++) {
      const damaged = frame.slice();
      damaged[at] = (damaged[at] as number) ^ 0x10;
      node.receive(escape(damaged));
    }
    node.receive(escape(frame.subarray(0, frame.length - 4)));
    node.process();
    expect(node.served).toEqual([]);
  });

  test('a frame that asks for it is acknowledged by its checksum, before the answer', async () => {
    const node = await nodeWithService();
    const frame = frameOf({ ...command(0, 0x1181), flags: COMMAND | ACK_WANTED });
    node.receive(escape(frame));
    node.run(2000);
    const [ack, answer] = packetsOf(node.takeSent());
    expect(ack).toMatchObject({ index: 0x3f, command: crc(frame.subarray(2)), flags: 0 });
    expect(answer).toMatchObject({ index: 0, command: 0x1181 });
    expect([...(answer?.payload ?? [])]).toEqual([0x34, 0x12, 0xbc, 0x3a]);
  });

  test('a command for another device is nobody’s business here', async () => {
    const node = await nodeWithService();
    const other = { ...command(2, 0x80), device: REMOTE, flags: COMMAND | ACK_WANTED };
    node.receive(escape(frameOf(other)));
    node.run(2000);
    expect(node.served).toEqual([]);
    expect(packetsOf(node.takeSent())).toEqual([]);
  });

  test('a link that takes its bytes slowly loses reports, never halves of them', async () => {
    const node = await nodeWithService();
    node.room = 0;
    for (let i = 0; i < 40; i++) node.send({ ...command(2, 0x80, Array(100).fill(i)), flags: 0 });
    for (let i = 0; i < 400; i++) {
      node.room = 7;
      node.now += 100;
      node.process();
    }
    const arrived = packetsOf(node.takeSent()).filter(({ index }) => index === 2);
    expect(arrived.length).toBeGreaterThan(2);
    expect(arrived.length).toBeLessThan(40);
    for (const { payload } of arrived) expect(new Set(payload).size).toBe(1);
  });
});

describe('the log', () => {
  test('goes out as lines between the frames', async () => {
    const node = await nodeWithService();
    node.log('>', 'first');
    node.log('!', 'two\nlines');
    node.run(1_000_000);
    const { frames, text } = unescape(node.takeSent());
    expect(text).toBe('> first\n! two\n! lines\n');
    expect(frames.length).toBeGreaterThan(0);
  });

  test('waits for a link to open, keeps the newest whole lines of a kilobyte', async () => {
    const node = await Node.boot();
    node.isOpen = false;
    for (let i = 0; i < 200; i++) node.log('>', `line ${i} ${'x'.repeat(i % 37)}`);
    node.run(1000);
    node.isOpen = true;
    node.run(2000);
    const lines = unescape(node.takeSent()).text.split('\n').slice(0, -1);
    const first = Number(/^> line (\d+)/.exec(lines[0] ?? '')?.[1]);
    const expected = Array.from({ length: 200 - first }, (_, k) => first + k);
    expect(lines).toEqual(expected.map((i) => `> line ${i} ${'x'.repeat(i % 37)}`));
    const bytes = lines.join('\n').length + 1;
    expect(bytes).toBeLessThanOrEqual(1024);
    expect(bytes).toBeGreaterThan(1024 - 60);
  });

  test('is written once to each link, also while it is being read', async () => {
    const node = await nodeWithService();
    const written: string[] = [];
    for (let i = 0; i < 300; i++) {
      written.push(`> number ${i}`);
      node.log('>', `number ${i}`);
      node.now += 1000;
      node.process();
    }
    expect(unescape(node.takeSent()).text).toBe(`${written.join('\n')}\n`);
  });
});
