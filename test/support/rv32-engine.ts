/** The engine as machine code of an ESP32-C3's core, on the interpreter of bench/rv32. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildRv32Image, engineSources } from '../../bench/rv32/build.ts';
import { Rv32Firmware } from '../../bench/rv32/firmware.ts';
import { compileModel } from '../../compiler/compile.ts';

/** More than any version of rt_engine_t takes. */
const ENGINE_BYTES = 64;

/** native/ compiled for RV32IMC, once for a test file. */
export class Rv32Image {
  private readonly folder = mkdtempSync(join(tmpdir(), 'retune-rv32-'));
  readonly elf = join(this.folder, 'engine.elf');

  static async build(): Promise<Rv32Image> {
    const image = new Rv32Image();
    await buildRv32Image(engineSources(), image.elf);
    return image;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  /** A fresh core with one model; answers inputs. `packed`: with the tables of the boards' kernels. */
  start(bytes: Uint8Array, file: string, packed = true): (input: Int8Array) => Int8Array {
    const compiled = compileModel(bytes, file, { packed });
    const { model, arenaBytes } = compiled;
    const firmware = new Rv32Firmware(this.elf);
    const engine = firmware.allocate(ENGINE_BYTES);
    const arena = firmware.allocate(arenaBytes);
    const tables = firmware.placeModel(compiled);
    firmware.check(file, 'rt_engine_init', engine, tables, arena, arenaBytes);
    const size = model.tensors[model.outputTensor]?.bytes ?? 0;
    const at = (tensor: number): number => firmware.call('rt_engine_tensor', engine, tensor) >>> 0;
    return (input) => {
      firmware.i8(at(model.inputTensor), input.length).set(input);
      firmware.check(file, 'rt_engine_infer', engine);
      return firmware.i8(at(model.outputTensor), size).slice();
    };
  }
}
