/** One layer's kernel, called row by row on the emulated RP2040 with tables made by hand. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildImage } from '../../bench/rp2040/build.ts';
import { Rp2040Machine } from '../../bench/rp2040/machine.ts';
import type { StructType } from '../../compiler/layout.ts';
import { RtLayer, RtTensor } from '../../compiler/model.ts';

export interface TensorValues {
  height: number;
  width: number;
  channels: number;
  zeroPoint: number;
}

export interface KernelCall {
  /** Function that computes a row: rt_…_row. */
  row: string;
  /** Members of rt_layer_t; tables are copied and become their addresses. */
  layer: Record<string, number | ArrayBufferView>;
  input: TensorValues;
  output: TensorValues;
  x: Int8Array;
  /** The second input, of the first one's shape, and its zero point. */
  x2?: Int8Array;
  zeroPoint2?: number;
}

/** Bytes around an output that must stay as they are. */
const MARGIN = 4;
const MARK = 0x55;

/** Undefined behaviour becomes an instruction that stops the emulator. */
const SANITIZE = ['-fsanitize=undefined', '-fsanitize-trap=undefined'];

/** The same sources twice: with machine code, and as portable C that traps undefined behaviour. */
export class KernelImages {
  readonly machines: Rp2040Machine[];
  private readonly folder = mkdtempSync(join(tmpdir(), 'retune-kernel-'));

  constructor(files: string[]) {
    const sources = [...files.map((file) => `native/engine/${file}`), 'native/hal/libc.c'];
    const flags = ['-O2', '-Inative', '-Inative/engine'];
    this.machines = [flags, [...flags, '-U__ARM_ARCH_6M__', ...SANITIZE]].map((options, i) => {
      const output = join(this.folder, `${i}.elf`);
      buildImage({ sources, output, flags: options });
      return Rp2040Machine.load(output);
    });
    rmSync(this.folder, { recursive: true });
  }
}

/** All rows of a layer. Throws if the kernel writes beside its output or loses a register. */
export function runKernel(machine: Rp2040Machine, call: KernelCall): Int8Array {
  let at = machine.address('__heap_start');
  const put = (data: ArrayBufferView): number => {
    const address = at;
    machine.write(data, address);
    at += (data.byteLength + 15) & ~7;
    return address;
  };
  const words = (type: StructType, values: Record<string, number>): number => {
    const table = new Int32Array(type.bytes / 4);
    for (const { name, offset } of type.fields) table[offset / 4] = values[name] ?? 0;
    return put(table);
  };
  const members = Object.entries(call.layer).map(([name, value]): [string, number] => [
    name,
    typeof value === 'number' ? value : put(value),
  ]);
  const layer = words(RtLayer, Object.fromEntries(members));
  const tensor = ({ zeroPoint, ...sizes }: TensorValues): number =>
    words(RtTensor, { ...sizes, zero_point: zeroPoint });
  const [input, output] = [tensor(call.input), tensor(call.output)];
  const input2 = tensor({ ...call.input, zeroPoint: call.zeroPoint2 ?? 0 });
  const x = put(call.x);
  const x2 = call.x2 ? put(call.x2) : 0;
  const { height, width, channels } = call.output;
  const bytes = height * width * channels;
  const y = put(new Int8Array(bytes + 2 * MARGIN).fill(MARK)) + MARGIN;
  const kernel = put(Int32Array.of(layer, input, output, x, x2, input2, y, 0, 0));
  const { registers } = machine.chip.core;
  for (let row = 0; row < height; row++) {
    for (let r = 4; r < 12; r++) registers[r] = 0x1000 + r;
    machine.call(call.row, [kernel, row]);
    for (let r = 4; r < 12; r++) {
      if (registers[r] !== 0x1000 + r) throw new Error(`${call.row} loses r${r}`);
    }
  }
  const around = [...machine.readInt8(y - MARGIN, MARGIN), ...machine.readInt8(y + bytes, MARGIN)];
  if (around.some((byte) => byte !== MARK)) throw new Error(`${call.row} writes too far`);
  return machine.readInt8(y, bytes);
}
