/** The firmware that the emulated board runs: built once a process and model. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RetuneError } from '../../cli/error.ts';
import { readBoard, type Board } from '../../compiler/board.ts';
import { compileModel, type CompiledModel } from '../../compiler/compile.ts';
import {
  buildFirmware,
  FLASH_ADDRESS,
  type Firmware,
  type FirmwareOptions,
} from '../../compiler/firmware.ts';
import { projectRoot } from '../../compiler/toolchain.ts';
import { SIMULATED_PLACES } from '../learner-setup.ts';

const BOARD = 'boards/rp2040_pico.board.json';

export interface ChipFirmware {
  board: Board;
  firmware: Firmware;
}

/** What a chip's firmware has beside the VM. */
export interface ChipParts {
  /** A .tflite for capture and learner; undefined: without them. */
  model?: string;
  /** Also takes deltas. */
  takesDeltas?: boolean;
  /** Whose programs and deltas it takes; undefined: whoever claims it. */
  trust?: FirmwareOptions['trust'];
  /** Adapters in RAM; as many as on the other simulated boards where not given. */
  places?: number;
}

const built = new Map<string, Promise<ChipFirmware>>();

export function chipFirmware(parts: ChipParts): Promise<ChipFirmware> {
  const key = JSON.stringify([parts.model, parts.takesDeltas, folderOf(parts)]);
  let firmware = built.get(key);
  if (firmware === undefined) {
    firmware = build(parts);
    built.set(key, firmware);
  }
  return firmware;
}

/** Firmwares of several kinds lie side by side. */
function folderOf({ model, takesDeltas = false, trust, places }: ChipParts): string {
  const owner = trust === undefined ? '' : Buffer.from(trust.owner).toString('hex', 0, 8);
  const name = [model === undefined ? 'chip' : 'chip-learning'];
  if (takesDeltas) name.push('delta');
  if (places !== undefined) name.push(`places-${places}`);
  if (trust !== undefined) name.push(trust.lock ? 'locked' : 'owned', owner);
  return name.join('-');
}

async function build(parts: ChipParts): Promise<ChipFirmware> {
  const { model, takesDeltas = false, trust } = parts;
  const board = readBoard(join(projectRoot, BOARD));
  const learning = ['capture', 'learner', ...(takesDeltas ? ['delta'] : [])];
  const firmware = await buildFirmware({
    board,
    modules: model === undefined ? [] : learning,
    model: model === undefined ? undefined : compiled(model, parts.places),
    trust,
    outDir: join(projectRoot, 'build', folderOf(parts)),
  });
  return { board, firmware };
}

function compiled(file: string, places = SIMULATED_PLACES): CompiledModel {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch {
    throw new RetuneError(`${file}: cannot be read; give the path of a .tflite`);
  }
  return compileModel(bytes, file, {
    adapter: { method: 'skip', places },
    packed: true,
  });
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
