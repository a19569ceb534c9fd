/** The default model's C tables, linked into the firmware, against its memory image. */
import { expect, it } from 'vitest';
import { readManifest } from '../../compiler/manifest.ts';
import { Engine } from '../../sim/engine.ts';
import { Firmware } from '../../sim/firmware.ts';
import { randomInput } from '../support/inputs.ts';

/** rt_model_t in words: magic, version, hash, arena_bytes, …, input_tensor, output_tensor. */
const [HASH, ARENA_BYTES, INPUT, OUTPUT] = [2, 3, 8, 9];

it('gives the same answers from C tables as from the image', async () => {
  const { model } = readManifest('devicescript.json');
  const engine = await Engine.load(model);
  const firmware = new Firmware();
  const table = firmware.address('rt_model');
  const word = (index: number): number => firmware.u32(table + 4 * index, 1)[0] ?? 0;
  expect(word(HASH), 'the model changed: run npm run build:native').toBe(engine.modelHash);

  const state = firmware.allocate(firmware.call('rt_sim_engine_bytes'));
  const arena = firmware.allocate(word(ARENA_BYTES));
  expect(firmware.call('rt_engine_init', state, table, arena, word(ARENA_BYTES))).toBe(0);
  const input = firmware.call('rt_engine_tensor', state, word(INPUT));
  const output = firmware.call('rt_engine_tensor', state, word(OUTPUT));
  for (let run = 0; run < 10; run++) {
    const x = randomInput(run, engine.inputBytes, 0);
    firmware.i8(input, x.length).set(x);
    expect(firmware.call('rt_engine_infer', state)).toBe(0);
    expect(firmware.i8(output, engine.classes)).toEqual(engine.infer(x).output);
  }
});
