/**
 * What the VM costs: cycles on the emulated RP2040 beside upstream's figures, and the time of
 * WebAssembly beside the official VM in the same process.
 *
 *     retune bench vm [--json]
 */
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';
import { compileSource } from '../../test/vm/compiler.ts';
import { runOfficial } from '../../test/vm/official.ts';
import { Rp2040Machine } from '../rp2040/machine.ts';
import { buildChip, buildWasm } from './build.ts';
import { opcodesOf } from './opcodes.ts';
import { emptyTurn, fibonacci, programs, sourceOf, type BenchProgram } from './programs.ts';

export interface VmBenchRow {
  name: string;
  what: string;
  unit: string;
  /** `ours` has to be at most this, or at least where the unit is `times`. */
  target?: number;
  /** Not reached as yet, and known. */
  isUnmet?: boolean;
  ours: number;
  /** The official VM; cycles are not known, its instructions are. */
  official?: number;
  officialUnit?: string;
  ok: boolean;
}

const HEAP_BYTES = 48 * 1024;
/** Turns of a loop; the difference leaves what is done but once. */
const FEW = 100;
const MANY = 500;

function image(program: BenchProgram, turns: number): Uint8Array {
  return compileSource(sourceOf(program, turns)).image;
}

/** Cycles from the first opcode until nothing is left to do. */
function cyclesOf(elf: string, program: Uint8Array): number {
  const machine = Rp2040Machine.load(elf);
  const at = machine.write(program);
  const heap = machine.allocate(HEAP_BYTES);
  const { result } = machine.call('bench_start', [heap, HEAP_BYTES, at, program.length]);
  if (result !== 0) throw new Error(`the VM refused a program: status ${result}`);
  return machine.call('bench_run').cycles;
}

function turnCycles(elf: string, program: BenchProgram): number {
  const cycles = cyclesOf(elf, image(program, MANY)) - cyclesOf(elf, image(program, FEW));
  return cycles / (MANY - FEW);
}

async function turnOpcodes(program: BenchProgram): Promise<number> {
  const many = await opcodesOf(image(program, MANY));
  const few = await opcodesOf(image(program, FEW));
  return (many - few) / (MANY - FEW);
}

async function chipRow(elf: string, program: BenchProgram): Promise<VmBenchRow> {
  const { name, what, per, target, isUnmet, upstream } = program;
  const cycles = turnCycles(elf, program);
  const cost =
    per === 'turn'
      ? cycles - turnCycles(elf, emptyTurn(program))
      : cycles / (await turnOpcodes(program));
  const ours = per === 'turn' ? Math.round(cost) : Math.round(10 * cost) / 10;
  const unit = per === 'turn' ? 'cycles' : 'cycles an opcode';
  return {
    name,
    what,
    unit,
    target,
    isUnmet,
    ours,
    official: upstream,
    officialUnit: upstream === undefined ? undefined : unit.replace('cycles', 'instructions'),
    ok: target === undefined || ours <= target,
  };
}

/** Best of several runs, in milliseconds. */
async function best(run: () => unknown | Promise<unknown>, times: number): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    await run();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

interface BenchExports {
  memory: WebAssembly.Memory;
  __heap_base: WebAssembly.Global;
  bench_start(heap: number, heapBytes: number, image: number, bytes: number): number;
  bench_run(): number;
}

function wasmRunner(module: WebAssembly.Module, program: Uint8Array): () => void {
  const exports = new WebAssembly.Instance(module).exports as unknown as BenchExports;
  const heap = (Number(exports.__heap_base.value) + 7) & ~7;
  const at = heap + HEAP_BYTES;
  exports.memory.grow(Math.ceil((HEAP_BYTES + program.length) / 65536) + 1);
  return () => {
    new Uint8Array(exports.memory.buffer).set(program, at);
    const status = exports.bench_start(heap, HEAP_BYTES, at, program.length);
    if (status !== 0) throw new Error(`the VM refused a program: status ${status}`);
    exports.bench_run();
  };
}

/** Rounds of fib(20) of a run in which both machines' WebAssembly has become fast. */
const ROUNDS = 20;

function fibonacciRow(name: string, ours: number, official: number, target?: number): VmBenchRow {
  const times = Math.round((10 * official) / ours) / 10;
  return {
    name,
    what: `${ours.toFixed(2)} ms here, ${official.toFixed(1)} ms on the official VM`,
    unit: 'times',
    target,
    ours: times,
    official: 1,
    officialUnit: 'times',
    ok: target === undefined || times >= target,
  };
}

async function checkOfficial(program: Uint8Array, rounds: number): Promise<void> {
  const { lines } = await runOfficial(program);
  if (lines.join() !== `> ${6765 * rounds}`) {
    throw new Error(`the official VM says ${lines.join()}`);
  }
}

/** fib(20) as a program meets it: once, in a machine that was just started. */
async function firstFibonacci(bytes: Uint8Array<ArrayBuffer>): Promise<VmBenchRow> {
  const once = compileSource(fibonacci(1)).image;
  const none = compileSource(fibonacci(0)).image;
  await checkOfficial(once, 1);
  const fresh = async (program: Uint8Array): Promise<number> => {
    let least = Infinity;
    for (let i = 0; i < 20; i++) {
      const run = wasmRunner(new WebAssembly.Module(bytes), program);
      least = Math.min(least, await best(run, 1));
    }
    return least;
  };
  const ours = (await fresh(once)) - (await fresh(none));
  const official =
    (await best(() => runOfficial(once), 8)) - (await best(() => runOfficial(none), 8));
  return fibonacciRow('fib(20) in WebAssembly, once', ours, official, 20);
}

/** fib(20) again and again, when the engine below has optimised what it runs. */
async function repeatedFibonacci(bytes: Uint8Array<ArrayBuffer>): Promise<VmBenchRow> {
  const module = new WebAssembly.Module(bytes);
  const large = compileSource(fibonacci(ROUNDS)).image;
  const small = compileSource(fibonacci(0)).image;
  await checkOfficial(large, ROUNDS);
  const runLarge = wasmRunner(module, large);
  const runSmall = wasmRunner(module, small);
  const ours = ((await best(runLarge, 20)) - (await best(runSmall, 20))) / ROUNDS;
  const officialLarge = await best(() => runOfficial(large), 8);
  const official = (officialLarge - (await best(() => runOfficial(small), 8))) / ROUNDS;
  return fibonacciRow('fib(20) in WebAssembly, repeated', ours, official);
}

/** What runs on the emulated chip: exact, the same every time. */
export async function benchVmChip(): Promise<VmBenchRow[]> {
  const elf = await buildChip();
  const rows: VmBenchRow[] = [];
  for (const program of programs) rows.push(await chipRow(elf, program));
  return rows;
}

export async function benchVm(): Promise<VmBenchRow[]> {
  const rows = await benchVmChip();
  const bytes = await buildWasm();
  rows.push(await firstFibonacci(bytes), await repeatedFibonacci(bytes));
  return rows;
}

export function vmBenchTable(rows: VmBenchRow[]): string {
  const table = new Table({ head: ['', 'ours', 'unit', 'target', 'official VM', 'what'] });
  for (const { name, ours, unit, target, official, officialUnit, what, ok } of rows) {
    const theirs = official === undefined ? '' : `${official} ${officialUnit ?? ''}`;
    table.push([ok ? name : `${name} (missed)`, ours, unit, target ?? '', theirs, what]);
  }
  return table.toString();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rows = await benchVm();
  console.log(process.argv.includes('--json') ? JSON.stringify(rows, null, 2) : vmBenchTable(rows));
  process.exitCode = rows.every((row) => row.ok) ? 0 : 1;
}
