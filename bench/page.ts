/** docs/performance.md, from the committed figures. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as prettier from 'prettier';
import { projectRoot } from '../compiler/toolchain.ts';
import { loadBoard, joulesOf } from '../sim/processor.ts';
import type { Baseline } from './baseline.ts';
import { number } from './report.ts';
import type { BenchRow } from './rows.ts';
import { MISS_CYCLES } from './rp2040/xip.ts';

const PAGE = join(projectRoot, 'docs/performance.md');
const BEFORE = join(projectRoot, 'bench/before.json');

/** Figures from before the kernels were written for the chip. */
type Before = Partial<Record<string, { cycles: number; bytes: number }>>;

const readBefore = (): Before => JSON.parse(readFileSync(BEFORE, 'utf8')) as Before;

function table(head: string[], rows: string[][], left = 1): string[] {
  const line = (cells: string[]): string => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, i) => (i < left ? '---' : '---:'));
  return [line(head), line(rule), ...rows.map(line), ''];
}

const fixed = (value: number | null | undefined, digits: number): string =>
  value === null || value === undefined ? '' : value.toFixed(digits);

/** The goal, bold where it is missed. */
function goalCell({ goal, ok }: BenchRow, digits = 0): string {
  if (!goal) return '';
  const text = `≤ ${digits === 0 ? number(goal.limit) : String(goal.limit)}`;
  return ok ? text : `**${text}**`;
}

const cyclesCell = (row: BenchRow): string =>
  row.missing === undefined ? number(row.cycles) : 'not yet';

function kernels(rows: BenchRow[], before: Before): string[] {
  return table(
    ['', 'what', 'MAC', 'cycles', 'a MAC', 'before', 'goal', 'CMSIS-NN', 'arena', 'flash'],
    rows.map((row) => [
      row.name,
      row.what,
      number(row.macs),
      cyclesCell(row),
      fixed(row.perMac, 2),
      number(before[row.name]?.cycles),
      goalCell(row),
      number(row.peer?.cycles),
      number(row.bytes),
      number(row.flashBytes),
    ]),
    2,
  );
}

function layers(row: BenchRow | undefined): string[] {
  if (!row?.layers) return [];
  return table(
    [row.name, 'MAC', 'cycles', 'a MAC'],
    row.layers.map(({ layer, macs, cycles }) => [
      layer,
      number(macs),
      number(cycles),
      fixed(cycles / macs, 2),
    ]),
  );
}

function steps(rows: BenchRow[], before: Before): string[] {
  return table(
    [
      '',
      'what',
      'cycles',
      'of an inference',
      'goal',
      'before',
      'others',
      'cache, a window',
      'arena',
    ],
    rows
      .filter(({ name }) => name.startsWith('train-'))
      .map((row) => [
        row.name,
        row.what,
        cyclesCell(row),
        fixed(row.timesInference, 3),
        goalCell(row, row.goal?.unit === 'cycles' ? 0 : 1),
        number(before[row.name]?.cycles),
        row.peer ? `${number(row.peer.cycles)} (${row.peer.name})` : '',
        number(row.cacheCyclesPerWindow),
        number(row.bytes),
      ]),
    2,
  );
}

/** How far `retune build` is off. */
function predictedCell({ predictedCycles, cycles }: BenchRow): string {
  if (predictedCycles === undefined || cycles === null) return '';
  const off = 100 * (predictedCycles / cycles - 1);
  return `${off >= 0 ? '+' : ''}${off.toFixed(1)} %`;
}

function bursts(rows: BenchRow[]): string[] {
  const board = loadBoard();
  return table(
    ['', 'steps run', 'cycles', 'predicted', 'seconds at 133 MHz', 'goal', 'millijoules'],
    rows
      .filter(({ name }) => name.startsWith('burst-'))
      .map((row) => [
        row.name,
        number(row.stepsRun),
        cyclesCell(row),
        predictedCell(row),
        fixed(row.seconds, 2),
        goalCell(row),
        row.cycles === null ? '' : number(Math.round(joulesOf(row.cycles, board) * 1000)),
      ]),
  );
}

function memory(rows: BenchRow[]): string[] {
  return table(
    ['', 'what', 'bytes', 'no plan below', 'goal'],
    rows.map((row) => [
      row.name,
      row.what,
      number(row.bytes),
      number(row.lowerBoundBytes),
      goalCell(row),
    ]),
    2,
  );
}

function power(rows: BenchRow[]): string[] {
  return table(
    ['', 'what', 'cycles', 'millijoules', 'days on a battery'],
    rows.map((row) => [
      row.name,
      row.what,
      number(row.cycles),
      number(row.millijoules),
      number(row.batteryDays),
    ]),
    2,
  );
}

function vm(rows: BenchRow[]): string[] {
  return table(
    ['', 'what', 'here', 'goal', 'DeviceScript'],
    rows.map((row) => [
      row.name,
      row.what.replaceAll('|', '\\|'),
      number(row.cycles),
      goalCell(row),
      number(row.peer?.cycles),
    ]),
    2,
  );
}

function rv32(rows: BenchRow[]): string[] {
  return table(
    ['', 'MAC or what', 'instructions', 'a MAC', 'goal', 'CMSIS-NN'],
    rows
      .filter(({ kind, cycles }) => kind !== 'memory' && cycles !== null)
      .map((row) => [
        row.name,
        row.macs === null ? row.what : number(row.macs),
        number(row.cycles),
        fixed(row.perMac, 2),
        goalCell(row),
        number(row.peer?.cycles),
      ]),
    2,
  );
}

function stalls(rows: BenchRow[]): string[] {
  const counted = rows.filter(({ stallCycles }) => stallCycles !== undefined);
  if (counted.length === 0) return [];
  const share = (stall: number, { cycles }: BenchRow): string =>
    `${number(stall)} (${fixed((100 * stall) / (cycles ?? 1), 1)} %)`;
  return table(
    ['', 'cycles', 'hot code in SRAM', 'all code in flash'],
    counted.map((row) => [
      row.name,
      number(row.cycles),
      share(row.stallCycles?.hotInSram ?? 0, row),
      share(row.stallCycles?.allInFlash ?? 0, row),
    ]),
  );
}

const TEXT = {
  head: `# Performance

\`retune bench all --write\` writes this page, from bench/baseline.json. \`retune bench all --check\` measures again and fails when a figure is
more than 2 % worse, when a result differs, or when a goal that was reached is missed. Goals are those that the project set itself; one in bold is not reached.

## How it is counted

- **Cycles** are those of an emulated RP2040: the machine code of the firmware (zig's clang, -O2, and assembler) on \`sim/rp2040/cpu.ts\`, which counts
  as the Cortex-M0+ manual does (single-cycle multiplier, two cycles a load or store, two a taken branch). They are the same in every run. No board has been
  measured. One core, no interrupts, no contention for SRAM.
- **Flash** costs what SRAM costs in these figures: hot code runs from SRAM on the board, and the weights are read through the XIP cache. What misses of
  that cache would add is estimated [below](#flash).
- **Right** means: the output of each kernel equals that of a plain interpreter of TensorFlow Lite's INT8 specification (\`test/oracle/reference.ts\`) on three
  inputs, one of them extreme; the adapter that comes out of a burst equals, byte by byte, the one that the portable C of \`native/engine\` learns from the same
  windows, compiled without assembly, SIMD or packed weights.
- **Before**: the portable C kernels that stood here until these were written, measured by the same bench.
- **Others**: CMSIS-NN at -O2, AIfES and ROM floating point, measured on the same emulator when the project was designed; no command here prints them.
- Single layers have bell-shaped weights and inputs behind a ReLU, as trained ones do; ReLU on the convolutions. Cycles depend a little on the data.
`,
  training: `## Training

A step is of batch 1: one window as it is, forward unless its frozen activations are cached, loss, backward, update. \`of an inference\` is in inferences of the same
network without an adapter. Filling the cache comes once a window.
`,
  bursts: `A burst is 300 such steps with what starts it, the cache filled before. Where fewer were run, they are multiplied.
\`predicted\` is how far \`retune build\` is off, which adds up the firmware's own estimates. Energy is computing time at the board's
active current.
`,
  memory: `## Memory

Planned by the compiler (docs/compiler.md), 60 labelled windows in a burst. \`no plan below\` is proved.
`,
  power: `## Power

The cycles above at the clock, currents and battery of boards/rp2040_pico.board.json, models/digits. Where the currents are from, and what is an estimate: docs/power.md.
\`npm start\` prints the same for its own day.
`,
  rv32: `## RV32IMC

Instructions of the ESP32-C3's core as QEMU counts them (bench/rv32), in C.
`,
  vm: `## Virtual machine

Cycles on the emulated RP2040, of a turn of a loop without the loop's own, or an opcode. DeviceScript's are instructions of its own firmware.
`,
  flash: `## Flash

What misses of the RP2040's XIP cache (16 KB, two ways, lines of 8 bytes) would add, from the addresses that the emulated core reads: **an estimate**, not in the figures
above. A miss is taken as ${MISS_CYCLES} cycles: 28 clocks of the flash chip at half of the system clock (quad reads without command,
as our second stage sets them up) and 8 of assumed latency; which way is replaced is assumed as well (bench/rp2040/xip.ts). Weights and tables lie in
flash in both columns. The second inference in a row, or a step among others; no other code runs in between.
`,
};

/** The page for these figures, formatted. */
export async function performancePage(baseline: Baseline): Promise<string> {
  const before = readBefore();
  const chip = baseline.rp2040 ?? [];
  const kind = (name: BenchRow['kind']): BenchRow[] => chip.filter((row) => row.kind === name);
  const find = (name: string): BenchRow | undefined => chip.find((row) => row.name === name);
  const parts = [
    TEXT.head,
    '## Inference\n',
    ...kernels(kind('kernel'), before),
    'Layer by layer:\n',
    ...layers(find('ds-cnn')),
    ...layers(find('digits')),
    TEXT.training,
    ...steps(kind('training'), before),
    TEXT.bursts,
    ...bursts(kind('training')),
    TEXT.memory,
    ...memory(kind('memory')),
    ...(kind('power').length > 0 ? [TEXT.power, ...power(kind('power'))] : []),
    ...(stalls(chip).length > 0 ? [TEXT.flash, ...stalls(chip)] : []),
    ...(baseline.rv32 ? [TEXT.rv32, ...rv32(baseline.rv32)] : []),
    ...(kind('vm').length > 0 ? [TEXT.vm, ...vm(kind('vm'))] : []),
  ];
  const options = await prettier.resolveConfig(PAGE);
  return prettier.format(parts.join('\n'), { ...options, parser: 'markdown' });
}

export async function writePerformancePage(baseline: Baseline): Promise<void> {
  writeFileSync(PAGE, await performancePage(baseline));
}
