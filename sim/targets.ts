import { SimulatedBoard } from './board.ts';
import { type CreateChip, FirmwareBoard } from './firmware-board.ts';
import { placeLearner } from './learner-setup.ts';
import type { CreateEngine } from './learning-engine.ts';
import type { PowerOn } from './powered-board.ts';
import { WasmChip } from './wasm-chip.ts';

/**
 * Where a script runs: `wasm`, our firmware as WebAssembly; `rp2040`, the same on an emulated chip;
 * `official`, DeviceScript's own VM with our services beside it.
 */
export const TARGETS = ['wasm', 'rp2040', 'official'] as const;
export type Target = (typeof TARGETS)[number];
export const DEFAULT_TARGET: Target = 'wasm';

/** What the live view and messages call a target. */
export const TARGET_NAMES: Record<Target, string> = {
  wasm: 'the firmware as WebAssembly',
  rp2040: 'an emulated RP2040',
  official: 'the official DeviceScript VM',
};

export interface TargetOptions {
  target: Target;
  /** A .tflite, for boards with our firmware. */
  model: string;
  /** For the official VM, which has the engine beside it. */
  createEngine: CreateEngine;
}

/** How a board of a target is switched on. */
export function powerOnFor({ target, model, createEngine }: TargetOptions): PowerOn {
  if (target === 'official') return officialPowerOn(createEngine);
  const createChip = target === 'wasm' ? wasmChips(model) : rp2040Chips(model);
  return (surroundings) => FirmwareBoard.create(surroundings, createChip);
}

function officialPowerOn(createEngine: CreateEngine): PowerOn {
  return async (surroundings) => {
    const { program, flash, random } = surroundings;
    const { image, services } = program;
    const board = await SimulatedBoard.create({
      ...surroundings,
      services,
      createEngine,
      randomBytes: (count) => random.bytes(count),
    });
    if (image === undefined) board.machine.bus.start();
    else await board.boot(flash.vm === undefined ? { image, services } : undefined);
    return board;
  };
}

function wasmChips(model: string): CreateChip {
  return (seed) => {
    const prepare = placeLearner(model);
    return Promise.resolve(new WasmChip({ ...seed, prepare }));
  };
}

function rp2040Chips(model: string): CreateChip {
  return async (seed) => {
    // the emulator is loaded only where somebody asks for it
    const { Rp2040Chip } = await import('./rp2040/chip.ts');
    return Rp2040Chip.create({ ...seed, model });
  };
}
