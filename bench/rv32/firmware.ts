/**
 * All of native/ as machine code of RV32IMC, on the interpreted core, behind the interface of class
 * Firmware: as bench/rp2040/firmware.ts, so that every bench runs on either.
 */
import type { CompiledModel } from '../../compiler/compile.ts';
import { buildImage } from '../../compiler/emit-image.ts';
import { CountedFirmware } from '../counted-firmware.ts';
import { BASE, MODEL, Rv32Machine } from './machine.ts';

/** Its cycles are instructions. */
export class Rv32Firmware extends CountedFirmware<Rv32Machine> {
  /** @param elf an image of buildRv32Image(engineSources(), …) */
  constructor(elf: string) {
    super(Rv32Machine.load(elf));
  }

  placeModel({ description }: CompiledModel): number {
    this.machine.write(buildImage(description, MODEL).bytes, MODEL);
    return MODEL;
  }

  protected get buffer(): ArrayBuffer {
    return this.machine.buffer;
  }

  protected place(address: number): number {
    return (address >>> 0) - BASE;
  }
}
