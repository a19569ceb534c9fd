/** Runs programs on an emulated RP2040 that has the VM and the bus, and nothing attached. */
import { Rp2040Machine } from '../../bench/rp2040/machine.ts';

const HEAP_BYTES = 64 * 1024;
/** Some two seconds of a chip. */
const MOST_CYCLES = 250_000_000;

interface Core {
  PC: number;
  registers: Uint32Array;
  executeInstruction: () => number;
}

/** The console lines of a program, each with its level mark. */
export function runOnChip(elf: string, image: Uint8Array): string[] {
  const machine = Rp2040Machine.load(elf);
  const at = machine.write(image);
  const heap = machine.allocate(HEAP_BYTES);
  const lines: string[] = [];
  const log = machine.address('rt_bus_log') & ~1;
  const core = machine.chip.core as unknown as Core;
  const execute = core.executeInstruction.bind(core);
  core.executeInstruction = () => {
    if (core.PC === log) {
      const [level = 0, text = 0, bytes = 0] = core.registers;
      const line = new TextDecoder().decode(machine.read(text, bytes));
      lines.push(`${String.fromCharCode(level)} ${line}`.trimEnd());
    }
    return execute();
  };
  const { result } = machine.call('bench_start', [heap, HEAP_BYTES, at, image.length]);
  if (result !== 0) throw new Error(`the firmware does not start: status ${result}`);
  machine.call('bench_run', [], { maxCycles: MOST_CYCLES });
  return lines;
}
