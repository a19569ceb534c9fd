import { describe, expect, test } from 'vitest';
import { BROADCAST, COMMAND, Node, OWN_ID, type Packet } from './node.ts';
import { escape, frameOf, packetsOf } from './wire.ts';

const FULL = -12;
const REMOTE = 0x8877665544332211n;
const BUTTON = 0x1473a263;
const NONE: Uint8Array = new Uint8Array(0);

function packet(device: bigint, flags: number, index: number, code: number, data = NONE): Packet {
  return { device, command: code, flags, index, payload: data };
}

/** An announcement of another device. */
function announcement(restarts: number, classes: number[], device = REMOTE): Packet {
  const words = Uint32Array.from([0x100 | restarts, ...classes]);
  return packet(device, 0, 0, 0, new Uint8Array(words.buffer));
}

function hearFrom(node: Node, sent: Packet): void {
  node.receive(escape(frameOf(sent)));
}

function eventCode(counter: number, code: number): number {
  return 0x8000 | (counter << 8) | code;
}

describe('packets within the device', () => {
  test('a command reaches its service in the next turn, not inside of send', async () => {
    const node = await Node.boot();
    const index = node.call('rt_bus_add_service', BUTTON);
    const command = packet(OWN_ID, COMMAND, index, 0x80, Uint8Array.of(7));
    expect(node.send(command)).toBe(0);
    expect(node.served).toEqual([]);
    expect(node.call('rt_bus_is_pending')).toBe(1);
    node.process();
    expect(node.served).toEqual([command]);
  });

  test('the answer arrives in the same turn, 200 times in a row without waiting', async () => {
    const node = await Node.boot();
    node.isOpen = false;
    const index = node.call('rt_bus_add_service', BUTTON);
    node.onCommand = ({ command: code, payload }) => {
      node.send(packet(OWN_ID, 0, index, code, payload));
    };
    node.process();
    node.heard.length = 0;
    for (let i = 0; i < 200; i++) {
      const data = new Uint8Array(200).fill(i);
      expect(node.send(packet(OWN_ID, COMMAND, index, 0x80, data))).toBe(0);
      node.process();
      expect(node.heard).toEqual([packet(OWN_ID, 0, index, 0x80, data)]);
      node.heard.length = 0;
    }
    expect(node.now).toBe(0);
  });

  test('no packet is lost, reordered or changed while queues fill and empty', async () => {
    const node = await Node.boot();
    node.isOpen = false;
    const index = node.call('rt_bus_add_service', BUTTON);
    node.process();
    let sent = 0;
    let random = 1;
    for (let round = 0; round < 400; round++) {
      random = (Math.imul(random, 1103515245) + 12345) >>> 0;
      const wanted = (random >>> 16) % 9;
      for (let i = 0; i < wanted; i++) {
        const data = new Uint8Array((random >>> (i + 8)) % 237).fill(sent);
        const status = node.send(packet(OWN_ID, COMMAND, index, 0x80 + (sent % 100), data));
        if (status === FULL) break;
        expect(status).toBe(0);
        sent++;
      }
      if (random & 0x100) node.process();
    }
    node.process();
    expect(node.served.map(({ command: code }) => code)).toEqual(
      Array.from({ length: sent }, (_, i) => 0x80 + (i % 100)),
    );
    node.served.forEach(({ payload }, i) =>
      expect(payload.every((b) => b === (i & 255))).toBe(true),
    );
  });

  test('commands wait while there is no room for their answers', async () => {
    const node = await Node.boot();
    node.isOpen = false;
    const index = node.call('rt_bus_add_service', BUTTON);
    node.process();
    node.heard.length = 0;
    node.onCommand = ({ command: code }) => {
      expect(node.send(packet(OWN_ID, 0, index, code, new Uint8Array(236)))).toBe(0);
    };
    node.call('rt_bus_hold_reports', 1);
    for (let i = 0; i < 8; i++) node.send(packet(OWN_ID, COMMAND, index, 0x80 + i));
    node.process();
    expect(node.served.length).toBeLessThan(8);
    expect(node.heard).toEqual([]);
    node.call('rt_bus_hold_reports', 0);
    node.run(1000);
    expect(node.heard.map(({ command: code }) => code)).toEqual(
      [...Array(8).keys()].map((i) => 0x80 + i),
    );
  });

  test('the script is given one packet a turn when it wakes it', async () => {
    const node = await Node.boot();
    node.isOpen = false;
    node.process();
    node.heard.length = 0;
    node.onHear = () => true;
    for (let i = 0; i < 3; i++) node.send(packet(OWN_ID, 0, 1, 0x80 + i));
    for (let i = 1; i <= 3; i++) {
      expect(node.call('rt_bus_is_pending')).toBe(1);
      node.process();
      expect(node.heard.length).toBe(i);
    }
    expect(node.call('rt_bus_is_pending')).toBe(0);
  });

  test('a payload over 236 bytes is refused', async () => {
    const node = await Node.boot();
    expect(node.send(packet(OWN_ID, 0, 1, 0x80, new Uint8Array(237)))).toBe(-10);
  });

  test('a broadcast command reaches every service of its class', async () => {
    const node = await Node.boot();
    const first = node.call('rt_bus_add_service', BUTTON);
    const second = node.call('rt_bus_add_service', BUTTON);
    hearFrom(node, packet(BigInt(BUTTON), COMMAND | BROADCAST, 0x3f, 0x80));
    node.process();
    expect(node.served.map(({ index }) => index)).toEqual([first, second]);
  });
});

describe('announcements', () => {
  test('every 500 ms, with a restart counter that stops at 15, services in their order', async () => {
    const node = await Node.boot();
    node.call('rt_bus_add_service', BUTTON);
    node.run(9_999_999);
    const announced = packetsOf(node.takeSent()).filter(({ index }) => index === 0);
    expect(announced.length).toBe(20);
    announced.forEach(({ payload }, i) => {
      const words = new Uint32Array(payload.slice().buffer);
      expect([...words]).toEqual([0x100 | Math.min(i + 1, 15), 0x1134ea2b, BUTTON]);
    });
  });

  test('at once for a link that opens', async () => {
    const node = await Node.boot();
    node.isOpen = false;
    node.run(600_000);
    expect(node.takeSent()).toHaveLength(0);
    node.isOpen = true;
    node.process();
    expect(packetsOf(node.takeSent()).map(({ index, command: code }) => [index, code])).toEqual([
      [0, 0],
    ]);
  });

  test('other devices come, change and are forgotten two seconds after the last packet', async () => {
    const node = await Node.boot();
    const generation = (): number => node.call('rt_bus_generation');
    node.process();
    const before = generation();
    hearFrom(node, announcement(5, [BUTTON, 0xaaaa]));
    node.process();
    expect(node.device(1)).toEqual({ id: REMOTE, classes: [0, BUTTON, 0xaaaa] });
    expect(node.device(2)).toBeUndefined();
    const come = generation();
    expect(come).not.toBe(before);
    hearFrom(node, announcement(6, [BUTTON, 0xaaaa]));
    node.process();
    expect(generation()).toBe(come);
    hearFrom(node, announcement(7, [BUTTON]));
    node.process();
    expect(generation()).not.toBe(come);
    // any packet keeps it alive
    node.run(1_500_000);
    hearFrom(node, packet(REMOTE, 0, 1, 0x1101, Uint8Array.of(1)));
    node.run(3_400_000);
    expect(node.device(1)?.id).toBe(REMOTE);
    node.run(3_600_000);
    expect(node.device(1)).toBeUndefined();
  });

  test('a restart counter that goes down is a change, though the services are the same', async () => {
    const node = await Node.boot();
    hearFrom(node, announcement(15, [BUTTON]));
    node.process();
    const before = node.call('rt_bus_generation');
    hearFrom(node, announcement(1, [BUTTON]));
    node.process();
    expect(node.call('rt_bus_generation')).not.toBe(before);
  });

  test('more devices than there is room for do no harm', async () => {
    const node = await Node.boot();
    for (let i = 0; i < 40; i++) {
      hearFrom(node, announcement(3, Array(40).fill(BUTTON), REMOTE + BigInt(i)));
      node.process();
    }
    expect(node.device(7)?.classes.length).toBe(16);
    expect(node.device(8)).toBeUndefined();
  });

  test('the script’s servers are a device of their own, until they are dropped', async () => {
    const node = await Node.boot();
    const server = node.call64('rt_bus_server_id');
    expect(server).not.toBe(OWN_ID);
    node.process();
    node.send(announcement(1, [BUTTON], server));
    node.process();
    expect(node.device(1)).toEqual({ id: server, classes: [0, BUTTON] });
    node.heard.length = 0;
    node.send(packet(server, COMMAND, 1, 0x1101));
    hearFrom(node, packet(server, COMMAND, 1, 0x1102));
    node.run(10_000_000);
    const toServer = node.heard.filter(({ flags }) => flags & COMMAND);
    expect(toServer.map(({ command: code }) => code)).toEqual([0x1101, 0x1102]);
    expect(node.device(1)?.id).toBe(server);
    node.call('rt_bus_drop_script_services');
    expect(node.device(1)).toBeUndefined();
  });
});

describe('events', () => {
  test('the script here gets one, the link three: at once, after 20 and after 70 ms', async () => {
    const node = await Node.boot();
    const index = node.call('rt_bus_add_service', BUTTON);
    node.run(10_000);
    node.takeSent();
    node.heard.length = 0;
    expect(node.event(index, 0x81, Uint8Array.of(1, 2))).toBe(0);
    const times: number[] = [];
    const counters = new Set<number>();
    while (node.now < 200_000) {
      const next = node.process();
      for (const sent of packetsOf(node.takeSent())) {
        if (sent.index !== index) continue;
        times.push(node.now - 10_000);
        counters.add(sent.command);
        expect([...sent.payload]).toEqual([1, 2]);
      }
      node.now = Math.min(next, 200_000);
    }
    expect(times).toEqual([0, 20_000, 70_000]);
    expect([...counters]).toEqual([eventCode(1, 0x81)]);
    expect(node.heard.filter((heard) => heard.index === index)).toHaveLength(1);
  });

  test('each has its own counter, of seven bits', async () => {
    const node = await Node.boot();
    node.process();
    node.heard.length = 0;
    for (let i = 1; i <= 300; i++) {
      node.event(1, 3, NONE);
      node.process();
      expect(node.heard.at(-1)?.command).toBe(eventCode(i & 127, 3));
    }
  });

  test('repeats from other devices are heard once, also after lost ones', async () => {
    const node = await Node.boot();
    hearFrom(node, announcement(3, [BUTTON]));
    node.process();
    node.heard.length = 0;
    const counters = [5, 5, 6, 5, 6, 7, 6, 7, 7, 12, 7, 12, 127, 0, 127, 1, 0, 1];
    for (const counter of counters) hearFrom(node, packet(REMOTE, 0, 1, eventCode(counter, 1)));
    node.process();
    const heard = node.heard.map(({ command: code }) => (code >> 8) & 127);
    // from 12 to 127 is further than from a new event to an old one: taken for a repeat
    expect(heard).toEqual([5, 6, 7, 12, 0, 1].filter((c) => c !== 0 && c !== 1));
  });

  test('the counter of a device that restarts begins anew', async () => {
    const node = await Node.boot();
    hearFrom(node, announcement(9, [BUTTON]));
    hearFrom(node, packet(REMOTE, 0, 1, eventCode(40, 1)));
    hearFrom(node, announcement(1, [BUTTON]));
    hearFrom(node, packet(REMOTE, 0, 1, eventCode(1, 1)));
    node.process();
    expect(node.heard.filter(({ command: c }) => c & 0x8000)).toHaveLength(2);
  });

  test('a burst keeps what fits for the repeats and sends each at least once', async () => {
    const node = await Node.boot();
    node.run(1000);
    node.takeSent();
    for (let i = 0; i < 30; i++) {
      expect(node.event(1, 3, new Uint8Array(20).fill(i))).toBe(0);
      node.process();
    }
    node.run(400_000);
    const sent = packetsOf(node.takeSent()).filter(({ command: c }) => c & 0x8000);
    expect(new Set(sent.map(({ command: c }) => c)).size).toBe(30);
    expect(sent.length).toBeGreaterThan(30);
  });
});

describe('control service', () => {
  async function ask(code: number, payload = NONE): Promise<Packet | undefined> {
    const node = await Node.boot();
    node.run(1000);
    node.takeSent();
    hearFrom(node, packet(OWN_ID, COMMAND, 0, code, payload));
    node.run(2000);
    return packetsOf(node.takeSent())[0];
  }

  test('tells what the board is', async () => {
    const description = await ask(0x1180);
    expect(new TextDecoder().decode(description?.payload)).toBe('Test board');
    expect(new TextDecoder().decode((await ask(0x1185))?.payload)).toMatch(/^retune \d+\.\d+/);
    const product = await ask(0x1181);
    expect(new DataView(product?.payload.slice().buffer as ArrayBuffer).getUint32(0, true)).toBe(
      0x3abc1234,
    );
  });

  test('says what it does not implement', async () => {
    const answer = await ask(0x1199);
    expect(answer).toMatchObject({ index: 0, command: 3 });
    expect([...(answer?.payload ?? [])]).toEqual([0x99, 0x11, 0, 0]);
    expect(await ask(0x99)).toMatchObject({ command: 3 });
  });

  test('identify blinks the light four times and leaves it dark', async () => {
    const node = await Node.boot();
    hearFrom(node, packet(OWN_ID, COMMAND, 0, 0x81));
    node.run(5_000_000);
    expect(node.pins).toEqual(Array.from({ length: 8 }, (_, i) => [25, i % 2 === 0 ? 1 : 0]));
  });

  test('resets when told to, and at the time it was given', async () => {
    const node = await Node.boot();
    hearFrom(node, packet(OWN_ID, COMMAND, 0, 0x82));
    expect(() => node.run(1_000_000)).toThrow('reset');
    expect(node.now).toBeLessThan(100_000);
    const other = await Node.boot();
    hearFrom(other, packet(OWN_ID, COMMAND, 0, 0x2080, Uint8Array.of(0x40, 0x42, 0x0f, 0)));
    other.run(900_000);
    expect(() => other.run(1_200_000)).toThrow('reset');
  });
});
