import { readFileSync } from 'node:fs';
import { buildChip } from '../../bench/vm/build.ts';
import { Rp2040Machine } from '../../bench/rp2040/machine.ts';
import { firstDifference, goldenOf, imageFileOf } from './corpus.ts';
import type { Outcome } from './suite.ts';

const HEAP_BYTES = 65536;
/** rt_vm_state_t */
const ENDS = ['refused', 'running', 'ended', 'restart', 'reboot', 'panic'];

/** The VM as it is on the chip, without the board around it: an ELF file of functions. */
export function buildForChip(): Promise<string> {
  return buildChip('vm-rp2040', ['test/vm/console.c']);
}

function runOnCore(elf: string, image: Uint8Array): string {
  const machine = Rp2040Machine.load(elf);
  const at = machine.write(image);
  const heap = machine.allocate(HEAP_BYTES);
  machine.call('bench_start', [heap, HEAP_BYTES, at, image.length]);
  machine.call('console_open');
  const end = ENDS[machine.call('bench_run').result] ?? 'nothing';
  const panic = machine.call('rt_vm_panic_code').result;
  const [bytes = 0] = machine.readInt32(machine.address('console_bytes'), 1);
  const text = new TextDecoder().decode(machine.read(machine.address('console_text'), bytes));
  const lines = text.split('\n').slice(0, -1);
  const said = lines.filter((line) => !/^( |! PANIC )/.test(line)).map((line) => line.trimEnd());
  return `${[...said, `= ${end}${end === 'panic' ? ` ${panic}` : ''}`].join('\n')}\n`;
}

/** Runs programs on the emulated core of the RP2040 and compares with what is kept. */
export function compareOnCore(elf: string, names: string[]): Outcome {
  const outcome: Outcome = { runs: 0, failures: [] };
  for (const name of names) {
    outcome.runs++;
    const image = new Uint8Array(readFileSync(imageFileOf(name)));
    const difference = firstDifference(goldenOf(name) ?? '', runOnCore(elf, image));
    if (difference !== undefined) outcome.failures.push({ program: name, difference });
  }
  return outcome;
}
