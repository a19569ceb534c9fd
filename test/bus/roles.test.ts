import { describe, expect, test } from 'vitest';
import { RemoteButton, runWith, World } from './world.ts';

const FIRST = 0x1111111111111111n;
const SECOND = 0x2222222222222222n;

/** A button beyond the link: a class that the simulated board has on its own pins is taken first. */
const SWITCH = 0x1ad29402;

function lines(world: World): string[] {
  return world.console.filter((line) => line.startsWith('> ')).map((line) => line.slice(2));
}

describe('roles on other devices', () => {
  test('bind when the device comes, read its registers, unbind when it is silent', () => {
    const world = new World(`
      const sw: any = new ds.Switch('sw')
      sw.binding().subscribe(async (v: any) => console.log('bound', v, sw.isBound))
      console.log(sw.isBound)
      for (let i = 0; i < 3; i++) { console.log(await sw.reading.read()); await ds.sleep(1000) }
    `);
    const device = new RemoteButton(world, FIRST, SWITCH);
    world.run(900);
    expect(lines(world)).toEqual(['false']);
    runWith(world, 4000, [device]);
    expect(lines(world).slice(1)).toEqual(['bound true true', 'true', 'true', 'true']);
    expect(device.reads).toBe(3);
    world.run(7000);
    expect(lines(world).at(-1)).toBe('bound false false');
    runWith(world, 8000, [device]);
    expect(lines(world).at(-1)).toBe('bound true true');
  });

  test('a register that is not answered is asked for again, later and later', () => {
    const world = new World(`
      const sw: any = new ds.Switch('sw')
      console.log(await sw.reading.read())
    `);
    const device = new RemoteButton(world, FIRST, SWITCH);
    device.answersFrom = 6;
    const times: number[] = [];
    const before = world.onPacket;
    world.onPacket = (packet) => {
      if (packet.command === 0x1101 && packet.flags & 1) times.push(Math.round(world.now));
      before(packet);
    };
    runWith(world, 3000, [device]);
    expect(lines(world)).toEqual(['true']);
    const gaps = times.slice(1).map((time, i) => time - (times[i] as number));
    expect(gaps).toHaveLength(5);
    [20, 40, 80, 160, 320].forEach((gap, i) =>
      expect(Math.abs((gaps[i] ?? 0) - gap)).toBeLessThan(3),
    );
  });

  test('each event counts once, however often it is repeated', () => {
    const world = new World(`
      const sw: any = new ds.Switch('sw')
      let n = 0
      sw.on.subscribe(async () => { n++; console.log('on', n) })
    `);
    const device = new RemoteButton(world, FIRST, SWITCH);
    runWith(world, 1000, [device]);
    for (let i = 0; i < 5; i++) {
      device.event(1, 0);
      world.run(world.now + 100);
    }
    expect(lines(world)).toEqual(['on 1', 'on 2', 'on 3', 'on 4', 'on 5']);
  });

  test('two roles of a class take two services; one that leaves is replaced by a third', () => {
    const world = new World(`
      const a: any = new ds.Switch('a'), b: any = new ds.Switch('b')
      async function show() { console.log(a.isBound, b.isBound) }
      setInterval(show, 1000)
    `);
    const [first, second] = [FIRST, SECOND].map((id) => new RemoteButton(world, id, SWITCH));
    const third = new RemoteButton(world, 0x3333333333333333n, SWITCH);
    runWith(world, 1900, [first] as RemoteButton[]);
    expect(lines(world).at(-1)).toBe('true false');
    runWith(world, 2900, [first, second] as RemoteButton[]);
    expect(lines(world).at(-1)).toBe('true true');
    runWith(world, 6900, [second] as RemoteButton[]);
    expect(lines(world).at(-1)).toBe('false true');
    runWith(world, 7900, [second, third] as RemoteButton[]);
    expect(lines(world).at(-1)).toBe('true true');
  });

  test('fibers that wait for an unbound role go on when it is bound, in their order', () => {
    const world = new World(`
      const sw: any = new ds.Switch('sw')
      async function read(n: number) { console.log(n, await sw.reading.read()) }
      async function write(n: number) { await sw.sendCommand(0x2003, hex\`05\`); console.log(n, 'sent') }
      read.start(1); write.start(2); read.start(3); write.start(4)
      const gone = read.start(9)
      await ds.sleep(100)
      gone.terminate()
    `);
    world.run(1000);
    expect(lines(world)).toEqual([]);
    const device = new RemoteButton(world, FIRST, SWITCH);
    runWith(world, 1500, [device]);
    expect(lines(world).sort()).toEqual(['1 true', '2 sent', '3 true', '4 sent']);
    expect(world.packets.filter(({ command }) => command === 0x2003)).toHaveLength(2);
  });
});

describe('roles on services of this device', () => {
  test('an answer never arrives before the asking fiber waits, though its slice ends in between', () => {
    const world = new World(`
      const led: any = new ds.LightBulb('led')
      await led.intensity.write(0.5)
      let busy = 0, answers = 0
      for (let i = 0; i < 12; i++) {
        const packet: any = await ask()
        if (packet.decode() === 0.5) answers++
      }
      console.log(answers)
      async function ask() {
        const me: any = ds.Fiber.self()
        const stop = led.report().subscribe((p: any) => { stop(); me.resume(p) })
        await led.sendCommand(0x1001)
        for (let k = 0; k < 20000; k++) busy++
        return await ds.suspend()
      }
    `);
    world.run(60_000);
    expect(lines(world)).toEqual(['12']);
    expect(world.state).not.toBe('panicked');
  });

  test('commands are not slowed down: a hundred of 200 bytes in a few milliseconds', () => {
    const world = new World(`
      const led: any = new ds.LightBulb('led')
      await led.intensity.read()
      const start = ds.millis()
      for (let i = 0; i < 100; i++) await led.sendCommand(0x2f01, Buffer.alloc(200))
      console.log(ds.millis() - start)
    `);
    world.run(5000);
    const took = Number(lines(world)[0]);
    expect(took).toBeLessThan(100);
  });

  test('what a role is called tells which server it wants', () => {
    const world = new World(`
      import { startServer, Server } from '@devicescript/server'
      class Lamp extends Server {
        constructor(readonly level: number) { super(ds.LightBulb.spec) }
        intensity() { return this.level }
      }
      const names = [0.25, 0.5, 0.75].map(level => startServer(new Lamp(level)))
      console.log(names)
      const third: any = new ds.LightBulb(names[2])
      const first: any = new ds.LightBulb(names[0])
      const own: any = new ds.LightBulb('led[int:0]')
      console.log(await third.intensity.read(), await first.intensity.read())
      await own.intensity.write(0.5)
      console.log(await own.intensity.read())
    `);
    world.run(3000);
    expect(lines(world)).toEqual([
      '["LightBulb_0[app:0]","LightBulb_1[app:1]","LightBulb_2[app:2]"]',
      '0.75 0.25',
      '0.5',
    ]);
  });
});
