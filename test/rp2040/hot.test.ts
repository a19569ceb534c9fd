import { beforeAll, describe, expect, it } from 'vitest';
import { Device, type BenchTarget } from '../../bench/device.ts';
import { DIGITS, readModel } from '../../bench/kernels.ts';
import { typicalInput } from '../../bench/models.ts';
import { ChipFirmware } from '../../bench/rp2040/firmware.ts';
import { targetOf } from '../../bench/targets.ts';
import type { AdapterOptions } from '../../compiler/adapter.ts';

// What is hot runs from SRAM: the cache of the flash is left to weights.
const SRAM = 0x20000000;

/** Share of cycles by function that functions in SRAM take. */
function shareInSram(chip: ChipFirmware, cycles: Map<string, number>): number {
  let total = 0;
  let inSram = 0;
  for (const [name, count] of cycles) {
    total += count;
    if ((chip.machine.elf.symbols.get(name)?.address ?? 0) >= SRAM) inSram += count;
  }
  return inSram / total;
}

describe('cycles of models/digits in SRAM', () => {
  let target: BenchTarget;
  beforeAll(async () => {
    target = (await targetOf('rp2040'))!;
  }, 120_000);

  const inputs = (device: Device, count: number): Int8Array[] => {
    const { bytes, zeroPoint } = device.inputTensor;
    return Array.from({ length: count }, (_, i) => typicalInput(100 + i, bytes, zeroPoint));
  };
  const chipOf = (device: Device): ChipFirmware => device.firmware as ChipFirmware;

  it('an inference: 95 %', () => {
    const device = new Device(target, readModel(DIGITS));
    const profile = device.profile(inputs(device, 1)[0]!);
    expect(shareInSram(chipOf(device), profile)).toBeGreaterThan(0.95);
  });

  it.each<[string, AdapterOptions]>([
    ['lora', { method: 'lora' }],
    ['skip, cached', { method: 'skip' }],
    ['head, cached', { method: 'head' }],
  ])(
    'a training step, %s: 90 %',
    (_, adapter) => {
      const device = new Device(target, readModel(DIGITS), adapter);
      device.remember(inputs(device, 2), device.classes);
      expect(shareInSram(chipOf(device), device.profileStep())).toBeGreaterThan(0.9);
    },
    120_000,
  );
});
