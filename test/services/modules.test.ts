/** The board's own small modules, and what all modules share. */
import { beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_MODEL } from '../../sim/model-engine.ts';
import { SERVICE, ServicesBench } from './bench.ts';
import type { Sent } from './device.ts';

const MS = 1000;
const BUTTON_PIN = 15;
const LED_PIN = 25;

let bench: ServicesBench;

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
const u16 = (value: number): Buffer => u32(value).subarray(0, 2);

/** Events of a service as `code time`, or `code` for those without. */
const events = (sent: Sent[], service: number): string[] =>
  sent
    .filter((s) => s.kind === 'event' && s.service === service)
    .map(({ code, payload }) =>
      payload.length === 0 ? `${code}` : `${code} ${payload.readUInt32LE()}`,
    );

describe('modules of the board', () => {
  beforeEach(async () => {
    bench = await ServicesBench.create({ model: DEFAULT_MODEL });
  });

  const pin = (level: number): void => void bench.firmware.call('bench_set_pin', BUTTON_PIN, level);

  it('button: its reading is that of the pin', () => {
    bench.wait(100 * MS);
    pin(0);
    bench.wait(140 * MS);
    pin(1);
    bench.wait(700 * MS);
    pin(0);
    bench.wait(1200 * MS);
    expect(bench.read(SERVICE.button, 0x101).readUInt16LE()).toBe(65535);
    pin(1);
    bench.wait(100 * MS);
    expect(bench.read(SERVICE.button, 0x101).readUInt16LE()).toBe(0);
  });

  it('button: tells how long it was held, to 20 ms', () => {
    for (const held of [140, 1210, 760]) {
      bench.take();
      pin(0);
      bench.wait(held * MS);
      pin(1);
      bench.wait(333 * MS);
      const lines = events(bench.take(), SERVICE.button).map((line) => line.split(' '));
      const holds = Array.from({ length: Math.floor(held / 500) }, (_, i) => [129, 500 * (i + 1)]);
      const expected = [[1], ...holds, [2, held]];
      expect(lines.map(([code]) => Number(code))).toEqual(expected.map(([code]) => code));
      lines.forEach(([, time], i) => {
        const off = Number(time ?? 0) - (expected[i]?.[1] ?? 0);
        expect(Math.abs(off)).toBeLessThanOrEqual(20);
      });
    }
  });

  it('button: contacts that bounce are one press', () => {
    bench.wait(50 * MS);
    for (const at of [0, 3, 5, 9, 12]) {
      pin(at % 2);
      bench.wait(3 * MS);
    }
    pin(0);
    bench.wait(200 * MS);
    pin(1);
    bench.wait(5 * MS);
    pin(0);
    bench.wait(4 * MS);
    pin(1);
    bench.wait(100 * MS);
    const codes = events(bench.take(), SERVICE.button).map((line) => line.split(' ')[0]);
    expect(codes).toEqual(['1', '2']);
  });

  it('button: a glitch is no press', () => {
    bench.run(100 * MS);
    for (let i = 0; i < 20; i++) {
      pin(0);
      bench.wait(5 * MS);
      pin(1);
      bench.wait(28 * MS);
    }
    expect(events(bench.take(), SERVICE.button)).toEqual([]);
  });

  it('button: a glitch is no press even when somebody asks meanwhile', () => {
    bench.run(100 * MS);
    for (let i = 0; i < 20; i++) {
      pin(0);
      for (let k = 0; k < 3; k++) {
        bench.send(SERVICE.button, 0x1101);
        bench.wait(1 * MS);
      }
      pin(1);
      bench.wait(28 * MS);
    }
    expect(events(bench.take(), SERVICE.button)).toEqual([]);
  });

  it('button: streams its pressure as long as somebody asks', () => {
    bench.write(SERVICE.button, 0x04, u32(100));
    bench.write(SERVICE.button, 0x03, Buffer.of(3));
    bench.wait(1000 * MS);
    const readings = bench.take().filter(({ kind, code }) => kind === 'register' && code === 0x101);
    expect(readings.map(({ at }) => Math.round(at / 1000))).toEqual([0, 100, 200]);
    expect(bench.read(SERVICE.button, 0x03)).toEqual(Buffer.of(0));
  });

  it('light bulb: its brightness is the duty of the LED', () => {
    bench.write(SERVICE.lightBulb, 0x01, u16(0x8000));
    expect(bench.firmware.call('bench_duty', LED_PIN)).toBe(0x8000);
    expect(bench.read(SERVICE.lightBulb, 0x01)).toEqual(u16(0x8000));
    bench.firmware.call('bench_restart_script');
    expect(bench.firmware.call('bench_duty', LED_PIN)).toBe(0);
  });

  it('power: a full battery, until somebody knows better', () => {
    expect(bench.read(SERVICE.power, 0x182)).toEqual(u16(0xffff));
    bench.firmware.call('rt_power_set', 0x4000, 3600, 3700);
    expect(bench.read(SERVICE.power, 0x182)).toEqual(u16(0x4000));
    expect(bench.read(SERVICE.power, 0x180)).toEqual(u16(3600));
    expect(bench.read(SERVICE.power, 0x183)).toEqual(u32(3700));
  });

  it('template: counts, adds, and says every ten', () => {
    bench.write(SERVICE.template, 0x80, u32(250));
    bench.run(1100 * MS);
    expect(bench.read(SERVICE.template, 0x180)).toEqual(u32(5)); // at 0, 250, …, 1,000 ms
    expect(bench.command(SERVICE.template, 0x80, Buffer.of(17))).toEqual(u32(22));
    expect(events(bench.take(), SERVICE.template)).toEqual(['128 10', '128 20']);
    bench.write(SERVICE.template, 0x80, u32(0));
    expect(bench.read(SERVICE.template, 0x80)).toEqual(u32(1));
  });
});

describe('what modules share', () => {
  it('without a model, learner and capture are not offered, and that is said', async () => {
    bench = await ServicesBench.create();
    expect(bench.log).toContain('module is not offered: learner\nmodule is not offered: capture');
    expect([1, 2, 3].map((index) => bench.firmware.call('bench_class', index))).toEqual([
      0x1473a263, 0x1cab054c, 0x1fa4c95a,
    ]);
  });

  it('a value that is too long is cut, one too short and one to read are refused', async () => {
    bench = await ServicesBench.create({ model: DEFAULT_MODEL });
    bench.write(SERVICE.lightBulb, 0x01, Buffer.of(1, 2, 3, 4, 5));
    expect(bench.read(SERVICE.lightBulb, 0x01)).toEqual(Buffer.of(1, 2));
    bench.write(SERVICE.lightBulb, 0x01, Buffer.of(9));
    expect(bench.read(SERVICE.lightBulb, 0x01)).toEqual(Buffer.of(1, 2));
    bench.write(SERVICE.lightBulb, 0x180, Buffer.of(0));
    expect(bench.read(SERVICE.lightBulb, 0x180)).toEqual(Buffer.of(1));
  });

  it('an unknown register, command or service is left unanswered; the state is ready', async () => {
    bench = await ServicesBench.create({ model: DEFAULT_MODEL });
    bench.send(SERVICE.learner, 0x1000 | 0x777);
    bench.send(SERVICE.learner, 0x0ff);
    bench.send(99, 0x1101);
    expect(bench.take()).toEqual([]);
    expect(bench.read(SERVICE.learner, 0x103)).toEqual(Buffer.alloc(4));
  });
});
