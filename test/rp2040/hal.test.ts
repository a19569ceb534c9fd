/** The HAL on the emulated chip, function by function: native/hal/hal.h says what each must do. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Firmware } from '../../compiler/firmware.ts';
import { bootRom } from '../../sim/rp2040/bootrom.ts';
import { Rp2040Board } from '../../sim/rp2040/machine.ts';
import { ERASE_SECTOR_NANOS, PROGRAM_NANOS } from '../../sim/rp2040/nor-flash.ts';
import {
  board,
  buildHal,
  ERROR_ARGUMENT,
  ERROR_EMPTY,
  ERROR_STATE,
  HalBoard,
  MS,
  OK,
} from './hal-board.ts';

let hello: Firmware;
let calls: Firmware;
let hal: HalBoard;

beforeAll(async () => {
  hello = await buildHal('hello');
  calls = await buildHal('calls');
  await bootRom();
}, 300_000);

const STORE = board.flash.storeOffset;

describe('from reset to main', () => {
  test('boot ROM, second stage, clocks, both links, sleep', async () => {
    const { machine, ...rest } = await HalBoard.create(hello);
    void rest;
    let [uart, usb] = ['', ''];
    machine.onUart = (byte) => (uart += String.fromCharCode(byte));
    machine.onUsb = (bytes) => (usb += Buffer.from(bytes).toString());
    machine.usb.onConfigured = () => machine.usb.setOpen(true);
    machine.run(50 * MS);
    expect(uart).toBe('hello e6614103e7452d2f\nreset 0\ntick 0\nopen\n');
    expect(machine.usb.strings).toEqual(['Retune', board.name, 'E6614103E7452D2F']);
    expect([...(machine.usb.device ?? [])].slice(8, 12)).toEqual([0x8a, 0x2e, 0x0a, 0x00]);
    const line =
      'all of the bytes come back, also where a packet of 64 bytes ends and the next begins\n';
    machine.usb.send(Buffer.from(line));
    machine.sendUart(Buffer.from('abc'));
    machine.run(1950 * MS);
    expect(usb).toBe(`open\n${line}tick 1\n`);
    expect(uart).toBe('hello e6614103e7452d2f\nreset 0\ntick 0\nopen\nabctick 1\n');
    expect(machine.chip.clkSys).toBe(board.clockHz);
    // It sleeps: less than a thousandth of the time is work, start-up aside.
    expect(machine.spent.active).toBeLessThan(30 * MS);
    expect([...machine.warnings]).toEqual([]);
  });

  test('a damaged second stage is not started', async () => {
    const image = hello.image.slice();
    image[100] = (image[100] ?? 0) ^ 1;
    const machine = new Rp2040Board({ rom: await bootRom(), image });
    machine.run(5 * MS);
    expect(machine.isInUsbBoot).toBe(true);
  });

  test('opening the port at 1,200 baud and closing it starts the boot ROM’s drive', async () => {
    const { machine } = await HalBoard.create(hello);
    machine.usb.onConfigured = () => {
      machine.usb.setBaud(1200);
      machine.usb.setOpen(true);
    };
    machine.run(50 * MS);
    expect(machine.isInUsbBoot).toBe(false);
    machine.usb.setOpen(false);
    machine.run(5 * MS);
    expect(machine.isInUsbBoot).toBe(true);
  });

  test('a chip whose status register lacks quad mode gets it once, and the same start follows', async () => {
    const { machine } = await HalBoard.create(hello);
    machine.run(50 * MS);
    expect(machine.flash.isQuadEnabled).toBe(true);
    machine.reset('pin');
    machine.run(50 * MS);
    expect(machine.flash.isContinuous).toBe(true);
  });
});

describe('functions', () => {
  beforeEach(async () => {
    hal = (await HalBoard.create(calls)).start();
  });

  describe('flash', () => {
    test('erases sectors and programs pages, in the time that the chip takes', () => {
      const { machine } = hal;
      const pattern = Uint8Array.from({ length: 512 }, (_, i) => (i * 7) & 255);
      machine.flash.data.fill(0x55, STORE, STORE + 12288);
      let start = machine.nanos;
      expect(hal.call('rt_hal_flash_erase', STORE, 8192)).toBe(OK);
      expect(machine.nanos - start).toBeGreaterThan(2 * ERASE_SECTOR_NANOS);
      expect(machine.nanos - start).toBeLessThan(2.1 * ERASE_SECTOR_NANOS);
      expect(hal.flash(STORE, 8192).every((byte) => byte === 0xff)).toBe(true);
      expect(hal.flash(STORE + 8192, 4096).every((byte) => byte === 0x55)).toBe(true);

      start = machine.nanos;
      expect(hal.call('rt_hal_flash_program', STORE + 256, hal.put(pattern), 512)).toBe(OK);
      expect(machine.nanos - start).toBeLessThan(2.6 * PROGRAM_NANOS);
      expect(hal.flash(STORE + 256, 512)).toEqual(pattern);
      expect(hal.flash(STORE, 256).every((byte) => byte === 0xff)).toBe(true);
    });

    test('only clears bits, and reads from flash while it programs', () => {
      expect(hal.call('rt_hal_flash_erase', STORE, 4096)).toBe(OK);
      expect(hal.call('rt_hal_flash_program', STORE, hal.put(Array(256).fill(0xf0)), 256)).toBe(OK);
      expect(hal.call('rt_hal_flash_program', STORE, hal.put(Array(256).fill(0x3c)), 256)).toBe(OK);
      expect(hal.flash(STORE, 256).every((byte) => byte === 0x30)).toBe(true);
      // From the firmware's own first page.
      expect(hal.call('rt_hal_flash_program', STORE + 256, 0x10000000, 256)).toBe(OK);
      expect(hal.flash(STORE + 256, 256)).toEqual(hal.flash(0, 256));
    });

    test.each([
      ['the firmware itself', 0, 4096],
      ['half a sector', STORE, 2048],
      ['no sector’s start', STORE + 256, 4096],
      ['beyond the chip', 2 * 1024 * 1024, 4096],
      ['across its end', 2 * 1024 * 1024 - 4096, 8192],
      ['a size that overflows', STORE, 0xfffff000],
    ])('refuses to erase %s', (_, offset, bytes) => {
      const before = hal.machine.flash.operations;
      expect(hal.call('rt_hal_flash_erase', offset, bytes)).toBe(ERROR_ARGUMENT);
      expect(hal.machine.flash.operations).toBe(before);
    });

    test('refuses to program half a page, or the firmware', () => {
      const data = hal.put(Array(256).fill(0));
      expect(hal.call('rt_hal_flash_program', STORE, data, 128)).toBe(ERROR_ARGUMENT);
      expect(hal.call('rt_hal_flash_program', 256, data, 256)).toBe(ERROR_ARGUMENT);
      expect(hal.call('rt_hal_flash_program', STORE + 128, data, 256)).toBe(ERROR_ARGUMENT);
    });

    test('a power cut leaves half of it, and the board starts again', () => {
      const { machine } = hal;
      machine.flash.data.fill(0, STORE, STORE + 4096);
      let hasCut = false;
      machine.flash.onOperation = () => {
        if (!hasCut) cutSoon = machine.nanos + ERASE_SECTOR_NANOS / 2;
        hasCut = true;
      };
      let cutSoon = Infinity;
      const erase = hal.address('rt_hal_flash_erase');
      machine.onIdle = () => {
        if (machine.nanos >= cutSoon) {
          cutSoon = Infinity;
          machine.cutPower();
        }
      };
      expect(machine.invoke(erase, STORE, 4096)).toBeUndefined();
      const ones = hal.flash(STORE, 4096).reduce((sum, byte) => sum + bits(byte), 0);
      expect(ones).toBeGreaterThan(0.3 * 8 * 4096);
      expect(ones).toBeLessThan(0.7 * 8 * 4096);
      hal.uart = '';
      hal.start();
      expect(hal.call('rt_hal_reset_cause')).toBe(0);
      expect(hal.call('rt_hal_flash_erase', STORE, 4096)).toBe(OK);
      expect(hal.flash(STORE, 4096).every((byte) => byte === 0xff)).toBe(true);
    });
  });

  describe('life', () => {
    test('a hanging program is reset by the watchdog, and the cause is known', () => {
      const { machine } = hal;
      expect(hal.call('rt_hal_reset_cause')).toBe(0);
      hal.call('rt_hal_watchdog', 500);
      machine.run(400 * MS);
      expect(machine.resets).toBe(0);
      hal.call('rt_hal_watchdog', 500);
      machine.run(400 * MS);
      expect(machine.resets).toBe(0);
      machine.run(101 * MS);
      expect(machine.resets).toBe(1);
      hal.uart = '';
      hal.start();
      expect(hal.call('rt_hal_reset_cause')).toBe(3);
      machine.run(2000 * MS);
      expect(machine.resets).toBe(1);
    });

    test('reset by software and by the pin', () => {
      expect(hal.machine.invoke(hal.address('rt_hal_reset'))).toBeUndefined();
      hal.uart = '';
      hal.start();
      expect(hal.call('rt_hal_reset_cause')).toBe(2);
      hal.machine.reset('pin');
      hal.uart = '';
      hal.start();
      expect(hal.call('rt_hal_reset_cause')).toBe(1);
    });

    test('halts with its code in a scratch register, then the watchdog resets', () => {
      const { machine } = hal;
      expect(machine.invoke(hal.address('rt_hal_halt'), 0xabcd)).toBeUndefined();
      expect(machine.nanos).toBeGreaterThan(7900 * MS);
      expect(machine.chip.peripherals[0x40058]?.readUint32(0x0c)).toBe(0xabcd);
    });

    test('random numbers differ after each boot, and from board to board', async () => {
      const draw = (): number[] => [1, 2, 3].map(() => hal.call('rt_hal_random'));
      const first = draw();
      expect(new Set(first).size).toBe(3);
      hal.machine.reset('pin');
      hal.uart = '';
      hal.start();
      expect(draw()).not.toEqual(first);
      hal = (await HalBoard.create(calls, { seed: 2 })).start();
      expect(draw()).not.toEqual(first);
    });

    test('stack: some, and far from its 8 KB', () => {
      const used = hal.call('rt_hal_stack_used_bytes');
      expect(used).toBeGreaterThan(100);
      expect(used).toBeLessThan(2048);
    });
  });

  describe('time and sleep', () => {
    // The computer at the USB port has found the board by then, and is quiet.
    beforeEach(() => hal.machine.run(100 * MS));

    test('microseconds pass as in the emulated world, over 32 bits too', () => {
      const now = (): number => hal.call('rt_hal_now_us') >>> 0;
      const [before, start] = [now(), hal.machine.nanos];
      hal.machine.run(1234 * MS);
      const passed = (hal.machine.nanos - start) / 1000;
      expect(now() - before).toBeGreaterThanOrEqual(Math.floor(passed) - 1);
      expect(now() - before).toBeLessThan(passed + 20);
    });

    test('sleeps to the deadline', () => {
      const { machine } = hal;
      const until = (hal.call('rt_hal_now_us') >>> 0) + 50_000;
      const asleep = machine.spent.sleep;
      hal.call('rt_hal_sleep_until', until, 0);
      const now = hal.call('rt_hal_now_us') >>> 0;
      expect(now).toBeGreaterThanOrEqual(until);
      expect(now).toBeLessThan(until + 30);
      expect(machine.spent.sleep - asleep).toBeGreaterThan(49 * MS);
      // A deadline in the past is none.
      const start = machine.nanos;
      hal.call('rt_hal_sleep_until', 5, 0);
      expect(machine.nanos - start).toBeLessThan(MS / 10);
    });

    test('a press of the button and a byte at the UART end it', () => {
      const { machine } = hal;
      for (const wake of [() => machine.setPin(15, false), () => machine.sendUart([1])]) {
        const start = machine.nanos;
        machine.onIdle = () => {
          if (machine.nanos - start > 20 * MS) {
            machine.onIdle = undefined;
            wake();
          }
        };
        hal.call('rt_hal_sleep_until', 0, 1);
        expect(machine.nanos - start).toBeGreaterThan(20 * MS);
        expect(machine.nanos - start).toBeLessThan(22 * MS);
      }
    });

    test('deep sleep: PLLs off, and back', () => {
      const { machine } = hal;
      hal.setVariable('deep_sleeps', 1);
      machine.run(150 * MS);
      hal.setVariable('deep_sleeps', 0);
      const before = machine.spent.deep;
      machine.run(500 * MS);
      expect(machine.spent.deep - before).toBeGreaterThan(499 * MS);
      expect(machine.chip.clkSys).toBe(12_000_000);
      machine.run(1000 * MS);
      expect(machine.chip.clkSys).toBe(board.clockHz);
      const asleep = machine.spent.deep;
      machine.run(500 * MS);
      expect(machine.spent.deep).toBe(asleep);
      expect(hal.call('rt_hal_reset_cause')).toBe(0);
    });

    test('without a deadline the crystal stops, until a watched pin moves', () => {
      const { machine } = hal;
      hal.setVariable('deep_sleeps', 2);
      machine.run(300 * MS);
      const cycles = machine.cycles;
      hal.setVariable('deep_sleeps', 0);
      machine.run(5000 * MS);
      expect(machine.cycles).toBe(cycles);
      machine.setPin(15, false);
      machine.run(10 * MS);
      expect(machine.cycles).toBeGreaterThan(cycles);
      expect(machine.chip.clkSys).toBe(board.clockHz);
    });
  });

  describe('sound', () => {
    /** A converter that counts: every sample is its own number. */
    const count = (): void => {
      let next = 0;
      hal.machine.onAdc = () => next++ & 0xfff;
    };
    const read = (capacity = 4096): number[] => {
      const lost = hal.put([0, 0, 0, 0], 16000);
      const taken = hal.call('rt_hal_audio_read', hal.shared, capacity, lost);
      const bytes = hal.get(2 * taken);
      return [...new Int16Array(bytes.buffer, 0, taken)].map((sample) => sample / 16 + 2048);
    };
    const lost = (): number => new DataView(hal.get(4, 16000).buffer).getUint32(0, true);

    test.each([8000, 16000])('%d samples a second, in order, none lost', (rate) => {
      const { machine } = hal;
      count();
      expect(hal.call('rt_hal_audio_start', 26, rate)).toBe(OK);
      expect(hal.call('rt_hal_audio_start', 26, rate)).toBe(ERROR_STATE);
      const samples: number[] = [];
      const start = machine.nanos;
      let sum = 0;
      while (machine.nanos - start < 1000 * MS) {
        machine.run(30 * MS);
        samples.push(...read());
        sum += lost();
      }
      expect(sum).toBe(0);
      const expected = ((machine.nanos - start) / 1e9) * rate;
      expect(Math.abs(samples.length - expected)).toBeLessThan(3);
      expect(samples).toEqual(samples.map((_, i) => i & 0xfff));
    });

    test('what nobody takes in 128 ms is lost and counted', () => {
      count();
      expect(hal.call('rt_hal_audio_start', 26, 16000)).toBe(OK);
      hal.machine.run(300 * MS);
      const samples = read();
      expect(lost()).toBeGreaterThan(4800 - 2048);
      expect(lost() + samples.length).toBeGreaterThan(4790);
      expect(samples[0]).toBe(lost());
      expect(samples).toEqual(samples.map((_, i) => (lost() + i) & 0xfff));
      hal.machine.run(5 * MS);
      expect(read()[0]).toBe((samples.length + (samples[0] ?? 0)) & 0xfff);
    });

    test('goes on while the flash erases', () => {
      count();
      expect(hal.call('rt_hal_audio_start', 26, 16000)).toBe(OK);
      expect(hal.call('rt_hal_flash_erase', STORE, 8192)).toBe(OK);
      const samples = read();
      expect(samples.length).toBeGreaterThan(1400);
      expect(samples).toEqual(samples.map((_, i) => i));
      expect(lost()).toBe(0);
    });

    test('stops, and starts anew with the next sample', () => {
      count();
      hal.call('rt_hal_audio_start', 26, 8000);
      hal.machine.run(50 * MS);
      hal.call('rt_hal_audio_stop');
      expect(hal.call('rt_hal_audio_read', hal.shared, 100, hal.shared + 16000)).toBe(0);
      hal.machine.run(50 * MS);
      expect(hal.call('rt_hal_audio_start', 26, 8000)).toBe(OK);
      hal.machine.run(50 * MS);
      const samples = read();
      expect(samples.length).toBeGreaterThan(395);
      expect(samples).toEqual(samples.map((_, i) => (samples[0] ?? 0) + i));
    });

    test('other pins and rates are refused; single readings have 16 bits', () => {
      expect(hal.call('rt_hal_audio_start', 25, 8000)).toBe(ERROR_ARGUMENT);
      expect(hal.call('rt_hal_audio_start', 26, 44100)).toBe(ERROR_ARGUMENT);
      expect(hal.call('rt_hal_adc_read', 12, hal.shared)).toBe(ERROR_ARGUMENT);
      hal.machine.onAdc = (channel) => [0, 4095, 2048, 0][channel] ?? 0;
      const values = [26, 27, 28].map((pin) => {
        expect(hal.call('rt_hal_adc_read', pin, hal.shared)).toBe(OK);
        return new DataView(hal.get(2).buffer).getUint16(0, true);
      });
      expect(values).toEqual([0, 65535, 32776]);
    });
  });

  describe('pins and buses', () => {
    test('outputs, inputs, pulse width', () => {
      const { machine } = hal;
      expect(hal.call('rt_hal_pin_mode', 25, 1)).toBe(OK);
      hal.call('rt_hal_pin_write', 25, 1);
      expect(machine.pin(25)).toBe(true);
      hal.call('rt_hal_pin_write', 25, 0);
      expect(machine.pin(25)).toBe(false);
      expect(hal.call('rt_hal_pin_mode', 14, 3)).toBe(OK);
      machine.setPin(14, false);
      expect(hal.call('rt_hal_pin_read', 14)).toBe(0);
      machine.setPin(14, true);
      expect(hal.call('rt_hal_pin_read', 14)).toBe(1);
      expect(hal.call('rt_hal_pin_mode', 30, 1)).toBe(ERROR_ARGUMENT);
      for (const duty of [0, 1, 20000, 65535]) {
        expect(hal.call('rt_hal_pwm_write', 25, duty)).toBe(OK);
        expect(machine.duty(25)).toBeCloseTo(duty / 65535, 4);
      }
      // The neighbour on the same slice keeps its own.
      hal.call('rt_hal_pwm_write', 24, 1000);
      expect(machine.duty(25)).toBe(1);
    });

    test('I2C: writes, reads after a repeated start, nobody there', () => {
      const { i2c } = hal.machine.chip;
      const bus = i2c[0];
      if (bus === undefined) throw new Error('no I2C');
      const written: number[] = [];
      let next = 10;
      bus.onStart = () => bus.completeStart();
      bus.onConnect = (address: number) => bus.completeConnect(address === 0x42);
      bus.onWriteByte = (byte: number) => {
        written.push(byte);
        bus.completeWrite(true);
      };
      bus.onReadByte = () => bus.completeRead(next++);
      bus.onStop = () => bus.completeStop();
      const transfer = (address: number, write: number[], count: number): number => {
        const from = hal.put(write);
        return hal.call(
          'rt_hal_i2c_transfer',
          ...[address, from, write.length, hal.shared + 256, count],
        );
      };
      expect(transfer(0x42, [1, 2, 3], 0)).toBe(OK);
      expect(written).toEqual([1, 2, 3]);
      expect(transfer(0x42, [9], 3)).toBe(OK);
      expect([...hal.get(3, 256)]).toEqual([10, 11, 12]);
      expect(transfer(0x42, [], 2)).toBe(OK);
      expect([...hal.get(2, 256)]).toEqual([13, 14]);
      expect(transfer(0x43, [1], 0)).toBe(ERROR_EMPTY);
      expect(transfer(0x42, [4], 0)).toBe(OK);
      expect(transfer(0x80, [4], 0)).toBe(ERROR_ARGUMENT);
    });

    test('SPI: full duplex, and pins that belong together', () => {
      const spi = hal.machine.chip.spi[0];
      if (spi === undefined) throw new Error('no SPI');
      const sent: number[] = [];
      spi.onTransmit = (value: number) => {
        sent.push(value);
        spi.completeTransmit(value ^ 0xff);
      };
      const configure = (miso: number, mosi: number, sck: number, mode: number): number => {
        const at = hal.put([miso, mosi, sck, mode, ...[0x40, 0x42, 0x0f, 0x00]]);
        return hal.call('rt_hal_spi_configure', at);
      };
      expect(hal.call('rt_hal_spi_transfer', hal.shared, 0, 1)).toBe(ERROR_STATE);
      expect(configure(16, 19, 2, 0)).toBe(OK);
      expect(configure(16, 12, 2, 0)).toBe(ERROR_ARGUMENT);
      expect(configure(16, 19, 18, 4)).toBe(ERROR_ARGUMENT);
      expect(configure(255, 19, 18, 0)).toBe(OK);
      const data = Array.from({ length: 20 }, (_, i) => 3 * i);
      const at = hal.put(data, 512);
      expect(hal.call('rt_hal_spi_transfer', at, hal.shared + 1024, data.length)).toBe(OK);
      expect(sent).toEqual(data);
      expect([...hal.get(data.length, 1024)]).toEqual(data.map((byte) => byte ^ 0xff));
    });

    test('WS2812: every bit is a pulse of the right length', () => {
      const { machine } = hal;
      const edges: { level: boolean; at: number }[] = [];
      machine.onPin = (pin, level, at) => {
        if (pin === 22) edges.push({ level, at });
      };
      const data = [0xff, 0x00, 0xa5];
      expect(hal.call('rt_hal_led_strip_send', 22, hal.put(data), data.length)).toBe(OK);
      const pulses = edges.flatMap(({ level, at }, i) => {
        const next = edges[i + 1];
        return level && next !== undefined ? [next.at - at] : [];
      });
      const bytes = [0, 1, 2].map((byte) =>
        pulses
          .slice(8 * byte, 8 * byte + 8)
          .reduce((value, nanos) => 2 * value + (nanos > 500 ? 1 : 0), 0),
      );
      expect(pulses.length).toBe(24);
      expect(bytes).toEqual(data);
      for (const nanos of pulses) expect(nanos > 500 ? 875 : 250).toBeCloseTo(nanos, -2);
    });
  });
});

function bits(byte: number): number {
  let count = 0;
  for (let rest = byte; rest !== 0; rest >>= 1) count += rest & 1;
  return count;
}
