/** Whether the interpreter of bench/rv32 counts and computes what QEMU does, call by call. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildRv32Image, engineSources } from '../../bench/rv32/build.ts';
import { MODEL, Rv32Machine } from '../../bench/rv32/machine.ts';
import { runOnQemu, type QemuCall, type QemuRun } from '../../bench/rv32/qemu.ts';
import { compileModel } from '../../compiler/compile.ts';
import { buildImage } from '../../compiler/emit-image.ts';
import { projectRoot } from '../../compiler/toolchain.ts';
import { Random } from '../support/random.ts';

const ELF = join(projectRoot, 'build/bench/rv32.elf');
const MODEL_FILE = 'models/digits/digits.tflite';
const ENGINE_BYTES = 64;
const NO_BUDGET = 0x7fffffff;

export interface Counts {
  instructions: number;
  calls: number;
  /** What differs; empty when nothing does. */
  differences: string[];
}

/** Results of a call that are not the same on both, and counts that are not. */
function compare(
  { name, args }: QemuCall,
  ours: Rv32Machine,
  theirs?: QemuRun['calls'][0],
): { instructions: number; differences: string[] } {
  const { unsigned, instructions } = ours.call(name, args);
  const differences: string[] = [];
  if (unsigned !== theirs?.unsigned) {
    differences.push(`${name} gives ${unsigned}, on QEMU ${theirs?.unsigned}`);
  }
  if (instructions !== theirs?.instructions) {
    differences.push(`${name}: ${instructions} instructions, on QEMU ${theirs?.instructions}`);
  }
  return { instructions, differences };
}

/** An inference of a random input, and a few calls of the features' arithmetic. */
export async function compareCounts(file = MODEL_FILE): Promise<Counts> {
  await buildRv32Image(engineSources(), ELF);
  const machine = Rv32Machine.load(ELF);
  const path = join(projectRoot, file);
  const { model, arenaBytes, description } = compileModel(readFileSync(path), file, {
    packed: true,
  });
  const tables = buildImage(description, MODEL).bytes;
  const engine = machine.allocate(ENGINE_BYTES);
  const arena = machine.allocate(arenaBytes);
  const start: QemuCall = { name: 'rt_engine_init', args: [engine, MODEL, arena, arenaBytes] };
  machine.write(tables, MODEL);
  machine.call(start.name, start.args);
  const at = (tensor: number): number =>
    machine.call('rt_engine_tensor', [engine, tensor]).unsigned;
  const random = new Random(5);
  const bytes = model.tensors[model.inputTensor]?.bytes ?? 0;
  const window = Uint8Array.from({ length: bytes }, () => random.int8());
  const input = { address: at(model.inputTensor), bytes: window };
  const output = {
    address: at(model.outputTensor),
    bytes: model.tensors[model.outputTensor]?.bytes ?? 0,
  };
  machine.write(input.bytes, input.address);
  const calls: QemuCall[] = [
    start,
    { name: 'rt_engine_begin', args: [engine] },
    { name: 'rt_engine_run', args: [engine, NO_BUDGET] },
    ...[1, 77, 4096, 123_456_789].map((x) => ({ name: 'rt_dsp_log2', args: [x] })),
  ];
  const memory = [{ address: MODEL, bytes: tables }, input];
  const qemu = await runOnQemu({ elf: ELF, machine, memory, calls, read: output });
  const compared = calls.map((call, i) => compare(call, machine, qemu.calls[i]));
  const differences = compared.flatMap((call) => call.differences);
  const answer = machine.read(output.address, output.bytes);
  if (Buffer.compare(answer, qemu.memory) !== 0) differences.push('the outputs are not the same');
  const instructions = compared.reduce((sum, call) => sum + call.instructions, 0);
  return { instructions, calls: calls.length, differences };
}
