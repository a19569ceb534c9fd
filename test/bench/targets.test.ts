/** Rows as they are measured: the same results on every target, and wrong ones are noticed. */
import { describe, expect, test } from 'vitest';
import type { BenchFirmware, BenchTarget } from '../../bench/device.ts';
import { benchKernels } from '../../bench/kernels.ts';
import { SINGLE_LAYERS, typicalInput } from '../../bench/models.ts';
import { benchTraining } from '../../bench/training.ts';
import { portableTarget } from '../../bench/targets.ts';
import { ReferenceInterpreter } from '../oracle/reference.ts';
import { writeTflite } from '../support/tflite-writer.ts';

const SMALL = ['fc-256x64', 'avgpool-25x5x64', 'softmax-12'];

describe('kernels', () => {
  test('compute the same on the chip, on RV32IMC, as WebAssembly and on this computer', async () => {
    const chip = await benchKernels({ target: 'rp2040', names: SMALL, stalls: false });
    const rv32 = await benchKernels({ target: 'rv32', names: SMALL });
    const wasm = await benchKernels({ target: 'wasm', names: SMALL });
    const host = await benchKernels({ target: 'host', names: SMALL });
    expect(chip.map(({ name }) => name)).toEqual(SMALL);
    for (const rows of [chip, rv32, wasm, host]) {
      expect(rows.every(({ isCorrect }) => isCorrect)).toBe(true);
      expect(rows.map(({ checksum }) => checksum)).toEqual(chip.map(({ checksum }) => checksum));
    }
    // Counted where counting is exact, and never from a clock on the wall.
    expect([...chip, ...rv32].every(({ cycles }) => (cycles ?? 0) > 0)).toBe(true);
    expect([...wasm, ...host].every(({ cycles }) => cycles === null)).toBe(true);
    const [dense] = chip;
    expect(dense?.perMac).toBeCloseTo((dense?.cycles ?? 0) / (256 * 64), 2);
    const again = await benchKernels({ target: 'rp2040', names: SMALL, stalls: false });
    expect(again).toEqual(chip);
  });

  test('a single wrong byte of a result is noticed', async () => {
    const on = meddling(await portableTarget(), (firmware, name, args) => {
      // Between the input, which is written first, and the run: the engine's output tensor.
      if (name !== 'rt_engine_tensor') return;
      const at = firmware.call(name, ...args);
      if (args[1] === 0) return;
      firmware.i8(at, 1)[0] = (firmware.i8(at, 1)[0] ?? 0) ^ 1;
    });
    const [row] = await benchKernels({ target: 'host', names: ['fc-256x64'], on });
    expect(row).toMatchObject({ isCorrect: false, ok: false });
  });
});

describe('training', () => {
  test('a step and a burst on the chip, judged by the portable C', async () => {
    const rows = await benchTraining({
      target: 'rp2040',
      names: ['train-64x12-head'],
      stalls: false,
    });
    const [step, burst] = rows;
    expect(rows.map(({ isCorrect }) => isCorrect)).toEqual([true, true]);
    expect(burst?.cycles ?? 0).toBeGreaterThan(299 * (step?.cycles ?? Infinity));
    expect(burst?.seconds).toBeCloseTo((burst?.cycles ?? 0) / 133e6, 2);
  });

  test('an adapter that learns something else is noticed', async () => {
    let samples = 0;
    const on = meddling(await portableTarget(), (firmware, name, args) => {
      if (name !== 'rt_train_remember' || samples++ !== 3) return;
      // One window gets the next label.
      args[1] = (args[1] ?? 0) + 1;
    });
    const rows = await benchTraining({ target: 'host', names: ['train-64x12-head'], on });
    expect(rows.map(({ isCorrect, ok }) => [isCorrect, ok])).toEqual([
      [false, false],
      [false, false],
    ]);
  });
});

describe('single layers', () => {
  test.each(SINGLE_LAYERS.map((layer) => [layer.name, layer] as const))(
    '%s gives outputs as a trained layer does',
    (name, { spec }) => {
      const model = spec();
      const reference = new ReferenceInterpreter(writeTflite(model));
      const input = typicalInput(7, reference.inputSize, reference.input.zeroPoint);
      const output = reference.infer(input);
      const share = (value: number): number =>
        output.filter((v) => v === value).length / output.length;
      if (name.startsWith('conv') || name.startsWith('depthwise') || name.startsWith('pointwise')) {
        // Behind a ReLU: a part is cut off, few are cut off above.
        expect(share(-128)).toBeGreaterThan(0.25);
        expect(share(-128)).toBeLessThan(0.75);
        expect(share(127)).toBeLessThan(0.05);
      }
      expect(new Set(output).size).toBeGreaterThan(3);
    },
  );
});

/** A target whose calls somebody may look at and change before they are made. */
function meddling(
  target: BenchTarget,
  meddle: (firmware: BenchFirmware, name: string, args: number[]) => void,
): BenchTarget {
  return {
    packed: target.packed,
    boot: () => {
      const firmware = target.boot();
      const call = firmware.call.bind(firmware);
      const plain: BenchFirmware = Object.create(firmware, { call: { value: call } });
      let isMeddling = false;
      firmware.call = (name, ...args) => {
        if (!isMeddling) {
          isMeddling = true;
          meddle(plain, name, args);
          isMeddling = false;
        }
        return call(name, ...args);
      };
      return firmware;
    },
  };
}
