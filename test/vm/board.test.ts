import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildHost } from '../../tools/native/host-vm.mjs';
import { root } from './abi.ts';
import { compileSource } from './compiler.ts';
import { runHost } from './host.ts';

/**
 * Pins and buses: the official simulator has none, so what must come out is written here. The board is
 * native/hal/host: an I2C device of 256 registers at 0x42, an SPI whose output is its input.
 */
const PROGRAM = `import * as ds from '@devicescript/core';
import { pinMode, digitalWrite, digitalRead } from '@devicescript/gpio';
import { i2c } from '@devicescript/i2c';
import { spi } from '@devicescript/spi';

const out = ds.gpio(2);
pinMode(out, ds.GPIOMode.Output);
digitalWrite(out, 1);
console.log('written', digitalRead(out), out.mode === ds.GPIOMode.OutputHigh);
digitalWrite(out, false);
console.log('cleared', digitalRead(out));
const input = ds.gpio(3);
pinMode(input, ds.GPIOMode.InputPullUp);
console.log('pulled up', digitalRead(input));
pinMode(input, ds.GPIOMode.InputPullDown);
console.log('pulled down', digitalRead(input));
try {
  ds.gpio(29);
} catch (e) {
  console.log((e as Error).name);
}
await i2c.writeReg(0x42, 0x10, 0x5a);
await i2c.writeRegBuf(0x42, 0x11, hex\`0102\`);
console.log('register', await i2c.readReg(0x42, 0x10), await i2c.readRegBuf(0x42, 0x10, 3));
try {
  await i2c.readReg(0x43, 0);
  console.log('not here');
} catch (e) {
  console.log((e as Error).name);
}
spi.configure({ miso: ds.gpio(4), mosi: ds.gpio(3), sck: ds.gpio(2), hz: 1000000 });
console.log('echo', await spi.transfer(hex\`c0ffee\`), await spi.read(2));
await spi.write(hex\`01\`);
const raw: any = ds;
await raw.ledStripSend(16, hex\`00ff00\`);
console.log('sent');
`;

describe('pins and buses', () => {
  let lines: string[] = [];
  beforeAll(async () => {
    const folder = join(root, 'build', 'vm-programs');
    mkdirSync(folder, { recursive: true });
    const file = join(folder, 'board.devs');
    writeFileSync(file, compileSource(PROGRAM).image);
    lines = (await runHost(await buildHost('plain'), file)).trim().split('\n');
  }, 900_000);

  test('a script reaches them', () => {
    expect(lines).toEqual([
      '> written 1 true',
      '> cleared 0',
      '> pulled up 1',
      '> pulled down 0',
      '> Error',
      '> register 90 [Buffer[3] 5a0102]',
      '> I2CError',
      '> echo [Buffer[3] c0ffee] [Buffer[2] 0000]',
      '> sent',
      '= restart',
    ]);
  });
});
