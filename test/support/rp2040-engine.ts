/** The engine as a board's own machine code, on an emulated RP2040. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildImage } from '../../bench/rp2040/build.ts';
import { Rp2040Machine } from '../../bench/rp2040/machine.ts';
import { compileModel } from '../../compiler/compile.ts';
import { buildImage as modelImage } from '../../compiler/emit-image.ts';
import { projectRoot } from './data.ts';

const FLASH = 0x10000000;
/** Where the model's tables go: behind the code. */
const MODEL = FLASH + 0x100000;
/** More than any version of rt_engine_t takes. */
const ENGINE_BYTES = 64;
/** As the firmware is built. */
const FLAGS = ['-O2', '-fno-unroll-loops', '-ffreestanding', '-Inative', '-Inative/engine'];

/** native/engine compiled for Cortex-M0+, once for a test file. */
export class EngineImage {
  private readonly folder = mkdtempSync(join(tmpdir(), 'retune-engine-'));
  private readonly elf = join(this.folder, 'engine.elf');

  constructor() {
    const engine = readdirSync(join(projectRoot, 'native/engine')).filter((n) => n.endsWith('.c'));
    const sources = engine.map((name) => join('native/engine', name));
    buildImage({ sources: [...sources, 'native/hal/libc.c'], output: this.elf, flags: FLAGS });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }

  /** A fresh chip with one model in flash; answers inputs. */
  start(bytes: Uint8Array, file: string): (input: Int8Array) => Int8Array {
    const { model, description, arenaBytes } = compileModel(bytes, file, { packed: true });
    const machine = Rp2040Machine.load(this.elf);
    machine.chip.flash.set(modelImage(description, MODEL).bytes, MODEL - FLASH);
    const engine = machine.allocate(ENGINE_BYTES);
    const arena = machine.allocate(arenaBytes);
    const call = (name: string, ...args: number[]): number => {
      const { result } = machine.call(name, args);
      if (result !== 0) throw new Error(`${file}: ${name} gives status ${result} on the RP2040`);
      return result;
    };
    call('rt_engine_init', engine, MODEL, arena, arenaBytes);
    const at = (tensor: number): number =>
      machine.call('rt_engine_tensor', [engine, tensor]).unsigned;
    const size = model.tensors[model.outputTensor]?.bytes ?? 0;
    return (input) => {
      machine.write(input, at(model.inputTensor));
      call('rt_engine_infer', engine);
      return machine.readInt8(at(model.outputTensor), size);
    };
  }
}
