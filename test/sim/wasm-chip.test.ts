import { describe, expect, it } from 'vitest';
import type { Sound } from '../../sim/chip.ts';
import { placeLearner } from '../../sim/learner-setup.ts';
import { escapeFrame, frameOf, type LinkPacket, LinkReader, packetsOf } from '../../sim/link.ts';
import { DEFAULT_MODEL } from '../../sim/model-engine.ts';
import { WasmChip, type WasmChipOptions } from '../../sim/wasm-chip.ts';

const deviceId = '1d46a30eef48919f';
/** Services after those of control and deploy. */
const LEARNER = 2;
const CAPTURE = 3;

/** A chip, and every packet that comes out of it with its time. */
class Probe {
  readonly chip: WasmChip;
  readonly packets: { at: number; packet: LinkPacket }[] = [];
  private readonly reader = new LinkReader({
    onFrame: (frame) => {
      for (const packet of packetsOf(frame)) this.packets.push({ at: this.chip.now, packet });
    },
    onText: () => undefined,
  });

  constructor(options: Partial<WasmChipOptions> = {}) {
    this.chip = new WasmChip({ deviceId, seed: 1, ...options });
  }

  run(until: number): void {
    while (this.chip.now < until && this.chip.stop === undefined) {
      this.chip.advance(until);
      this.reader.feed(this.chip.take());
    }
  }

  send(serviceIndex: number, command: number, payload = new Uint8Array(0)): void {
    const packet = { deviceId, flags: 1, serviceIndex, command, payload };
    this.chip.receive(escapeFrame(frameOf(packet)));
  }

  /** Reports of a service, or events with the low bits. */
  of(serviceIndex: number, command: number): { at: number; packet: LinkPacket }[] {
    return this.packets.filter(
      ({ packet }) =>
        packet.serviceIndex === serviceIndex &&
        (packet.command === command ||
          (command >= 0x8000 && (packet.command & 0x80ff) === command)),
    );
  }
}

/** Silence, and how much of it was asked for. */
class Silence implements Sound {
  samples = 0;
  begun: [number, number][] = [];

  begin(instant: number, rate: number): void {
    this.begun.push([instant, rate]);
  }

  next(count: number): Int16Array {
    this.samples += count;
    return new Int16Array(count);
  }
}

describe('the firmware as WebAssembly', () => {
  it('announces itself every 500 ms of virtual time', () => {
    const probe = new Probe();
    probe.run(10_000);
    const times = probe.of(0, 0).map(({ at }) => at);
    expect(times.length).toBeGreaterThanOrEqual(20);
    expect(times.length).toBeLessThanOrEqual(21);
    times.slice(1).forEach((at, i) => expect(at - (times[i] as number)).toBeCloseTo(500, 0));
    const counters = probe.of(0, 0).map(({ packet }) => (packet.payload[0] as number) & 15);
    expect(counters.slice(0, 3)).toEqual([1, 2, 3]);
  });

  it('is the same run every time, and another with another seed', () => {
    const runs = [1, 1, 2].map((seed) => {
      const probe = new Probe({ seed, prepare: placeLearner(DEFAULT_MODEL), sound: new Silence() });
      probe.send(0, 0x1180);
      probe.run(5000);
      return { packets: probe.packets, random: probe.chip.firmware.call('rt_hal_random') };
    });
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[2]?.random).not.toEqual(runs[0]?.random);
  });

  it('answers at once, without a look at the wall clock', () => {
    const probe = new Probe();
    probe.run(1000.5);
    probe.packets.length = 0;
    probe.send(0, 0x1181); // product identifier
    probe.run(1001.5);
    const [answer] = probe.of(0, 0x1181);
    expect(Buffer.from(answer?.packet.payload ?? []).readUInt32LE(0)).toBe(0x3f6e1f0d);
    expect(answer?.at).toBeLessThan(1001);
  });

  it('hears the sound in blocks from the moment the converter runs', () => {
    const sound = new Silence();
    const probe = new Probe({ sound, prepare: placeLearner(DEFAULT_MODEL) });
    probe.run(3000);
    expect(sound.begun).toHaveLength(1);
    const [instant, rate] = sound.begun[0] ?? [0, 0];
    expect(rate).toBe(8000);
    expect(instant).toBeLessThan(20);
    expect(sound.samples % 160).toBe(0);
    expect(sound.samples).toBeGreaterThan(8 * (3000 - instant - 60));
    expect(sound.samples).toBeLessThanOrEqual(8 * (3000 - instant));
    expect(probe.of(LEARNER, 0x8080).length).toBeGreaterThanOrEqual(3); // predictions and their repeats
  });

  it('takes the time that inference takes', () => {
    const probe = new Probe({ sound: new Silence(), prepare: placeLearner(DEFAULT_MODEL) });
    probe.run(2500);
    const window = probe.of(CAPTURE, 0x8080)[0];
    const prediction = probe.of(LEARNER, 0x8080)[0];
    const delay = (prediction?.at ?? 0) - (window?.at ?? 0);
    expect(delay).toBeGreaterThan(50);
    expect(delay).toBeLessThan(500);
    expect(probe.chip.cycles / 125_000).toBeGreaterThan(delay);
  });

  it('keeps the rules of NOR flash', () => {
    const { chip } = new Probe();
    const { firmware } = chip;
    const page = firmware.allocate(256);
    const write = (offset: number, byte: number): number => {
      firmware.u8(page, 256).fill(byte);
      return firmware.call('rt_hal_flash_program', offset, page, 256);
    };
    expect(write(0x1000, 0xf0)).toBe(0);
    expect(write(0x1000, 0x3c)).toBe(0);
    expect(chip.flash[0x1000]).toBe(0x30); // bits are only cleared
    expect(firmware.call('rt_hal_flash_erase', 0x1000, 0x1000)).toBe(0);
    expect(chip.flash[0x1000]).toBe(0xff);
    expect(write(0x1001, 0)).toBe(-10);
    expect(write(0x200000, 0)).toBe(-10);
    expect(firmware.call('rt_hal_flash_erase', 0x1100, 0x1000)).toBe(-10);
    expect(firmware.call('rt_hal_flash_erase', 0x1000, 0xffffffff)).toBe(-10);
  });

  it('can lose power in the middle of a flash operation', () => {
    const { chip } = new Probe();
    const { firmware } = chip;
    const page = firmware.allocate(512);
    firmware.u8(page, 512).fill(0);
    firmware.call('rt_sim_cut_power_at', 2);
    expect(() => firmware.call('rt_hal_flash_program', 0x1000, page, 512)).toThrow(
      WebAssembly.RuntimeError,
    );
    expect(firmware.call('rt_sim_stopped')).toBe(3);
    expect(chip.flash.slice(0x1000, 0x1000 + 384).every((byte) => byte === 0)).toBe(true);
    expect(chip.flash.slice(0x1000 + 384, 0x1000 + 512).every((byte) => byte === 0xff)).toBe(true);
  });

  it('stops when it resets itself, with the flash as it was', () => {
    const probe = new Probe();
    probe.run(1000);
    probe.chip.flash[5] = 42;
    probe.send(0, 0x82); // control service: reset
    probe.run(2000);
    expect(probe.chip.stop).toBe('reset');
    const again = new Probe({ flash: probe.chip.flash.slice(), cause: 'software' });
    again.run(600);
    expect(again.chip.flash[5]).toBe(42);
    expect(again.of(0, 0).length).toBeGreaterThan(0);
  });

  it('shows the LED and takes the button', () => {
    const probe = new Probe();
    probe.run(1000);
    const classes = Buffer.from(probe.of(0, 0)[0]?.packet.payload ?? []);
    const indexOf = (service: number): number =>
      Array.from({ length: classes.length / 4 }, (_, i) => classes.readUInt32LE(4 * i)).indexOf(
        service,
        1,
      );
    const [led, button] = [indexOf(0x1cab054c), indexOf(0x1473a263)];
    probe.send(led, 0x2001, Uint8Array.of(0xff, 0xff));
    probe.run(1200);
    expect(probe.chip.outputOf(25)).toBeCloseTo(1, 2);
    probe.send(led, 0x2001, Uint8Array.of(0, 0x40));
    probe.run(1400);
    expect(probe.chip.outputOf(25)).toBeCloseTo(0.25, 1);
    probe.chip.setPin(15, 0);
    probe.run(1700);
    probe.chip.setPin(15, 1);
    probe.run(2000);
    expect(probe.of(button, 0x8001).length).toBe(3); // down, and two repeats
    const held = Buffer.from(probe.of(button, 0x8002)[0]?.packet.payload ?? []).readUInt32LE(0);
    expect(held).toBeGreaterThan(270);
    expect(held).toBeLessThan(330);
  });
});
