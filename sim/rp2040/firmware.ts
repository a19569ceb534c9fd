/** The firmware that the emulated board runs: built once a process and model. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RetuneError } from '../../cli/error.ts';
import { readBoard, type Board } from '../../compiler/board.ts';
import { compileModel, type CompiledModel } from '../../compiler/compile.ts';
import { buildFirmware, FLASH_ADDRESS, type Firmware } from '../../compiler/firmware.ts';
import { projectRoot } from '../../compiler/toolchain.ts';

const BOARD = 'boards/rp2040_pico.board.json';

export interface ChipFirmware {
  board: Board;
  firmware: Firmware;
}

const built = new Map<string, Promise<ChipFirmware>>();

/** @param model a .tflite for capture and learner, or undefined for a firmware without them */
export function chipFirmware(model: string | undefined): Promise<ChipFirmware> {
  const key = model ?? '';
  let firmware = built.get(key);
  if (firmware === undefined) {
    firmware = build(model);
    built.set(key, firmware);
  }
  return firmware;
}

async function build(model: string | undefined): Promise<ChipFirmware> {
  const board = readBoard(join(projectRoot, BOARD));
  const firmware = await buildFirmware({
    board,
    modules: model === undefined ? [] : ['capture', 'learner'],
    model: model === undefined ? undefined : compiled(model),
    outDir: join(projectRoot, 'build', model === undefined ? 'chip' : 'chip-learning'),
  });
  return { board, firmware };
}

function compiled(file: string): CompiledModel {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch {
    throw new RetuneError(`${file}: cannot be read; give the path of a .tflite`);
  }
  return compileModel(bytes, file, { adapter: { method: 'skip' }, packed: true });
}

/** A copy of the image with another script in it. */
export function withProgram(
  { board, firmware }: ChipFirmware,
  program: Uint8Array | undefined,
  staysStopped: boolean,
): Uint8Array {
  const { image, symbols } = firmware;
  const at = (image.length + 255) & ~255;
  if (at + (program?.length ?? 0) > board.flash.programOffset) {
    throw new RetuneError(`a program of ${program?.length ?? 0} bytes does not fit the flash`);
  }
  const result = new Uint8Array(at + (program?.length ?? 0)).fill(0xff);
  result.set(image);
  result.set(program ?? [], at);
  const table = symbols.get('rt_program')?.address;
  if (table === undefined) throw new Error('the firmware has no rt_program');
  const view = new DataView(result.buffer);
  const words = [program === undefined ? 0 : FLASH_ADDRESS + at, program?.length ?? 0];
  [...words, staysStopped ? 1 : 0].forEach((word, i) =>
    view.setUint32(table - FLASH_ADDRESS + 4 * i, word, true),
  );
  return result;
}
