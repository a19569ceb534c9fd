/** Runs programs on an emulated RP2040 that has the VM and the bus, and nothing attached. */
import { Rp2040Machine } from '../../bench/rp2040/machine.ts';

const HEAP_BYTES = 64 * 1024;
/** Some two seconds of a chip. */
const MOST_CYCLES = 250_000_000;

/** The console lines of a program, each with its level mark. */
export function runOnChip(elf: string, image: Uint8Array): string[] {
  const machine = Rp2040Machine.load(elf);
  const at = machine.write(image);
  const heap = machine.allocate(HEAP_BYTES);
  const lines: string[] = [];
  const seen = (): void => {
    const [level = 0, text = 0, bytes = 0] = machine.chip.core.registers;
    const line = new TextDecoder().decode(machine.read(text, bytes));
    lines.push(`${String.fromCharCode(level)} ${line}`.trimEnd());
  };
  const watch = { address: machine.address('rt_bus_log') & ~1, seen };
  const { result } = machine.call('bench_start', [heap, HEAP_BYTES, at, image.length], { watch });
  if (result !== 0) throw new Error(`the firmware does not start: status ${result}`);
  machine.call('bench_run', [], { maxCycles: MOST_CYCLES, watch });
  return lines;
}
