/**
 * The same bench as machine code of the Cortex-M0+ in an emulated RP2040: model and memory as
 * `retune build` writes them, and the cycles that every poll really takes.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Rp2040Machine } from '../../bench/rp2040/machine.ts';
import { compileModel } from '../../compiler/compile.ts';
import { emitC } from '../../compiler/emit-c.ts';
import { learnerSetupSource } from '../../compiler/learner-setup.ts';
import {
  cFiles,
  compileObjects,
  compilerRuntime,
  CORTEX_M0_PLUS,
  projectRoot,
  scratchFolder,
  zig,
} from '../../compiler/toolchain.ts';
import { SENT_BYTES } from './bench.ts';
import { kindOf, type Sent } from './device.ts';

const FLAGS = [
  ...[...CORTEX_M0_PLUS, '-O2', '-std=c99', '-ffreestanding', '-fno-unroll-loops'],
  ...['-Inative', '-Inative/engine', '-Itest/services', '-isystem', 'native/hal/freestanding'],
  '-DBENCH_ON_CHIP',
];
const BLOCK_US = 20_000;

async function build(model: string): Promise<string> {
  const folder = scratchFolder('services-chip');
  mkdirSync(folder, { recursive: true });
  const compiled = compileModel(readFileSync(model), model, {
    adapter: { method: 'skip', places: 2 },
    packed: true,
  });
  const modelFile = join(folder, 'model.c');
  writeFileSync(modelFile, `${emitC(compiled.description)}\n${learnerSetupSource(compiled)}`);
  const rooms = ['native/engine', 'native/dsp', 'native/store', 'native/services', 'test/services'];
  const parts = ['native/bus/sha256.c', 'native/hal/libc.c', modelFile];
  const sources = [...rooms.flatMap(cFiles), ...parts];
  const objects = await compileObjects(sources, FLAGS, folder);
  const output = join(folder, 'services.elf');
  const script = join(projectRoot, 'bench/rp2040/link.ld');
  const link = ['cc', ...CORTEX_M0_PLUS, '-nostdlib', '-Wl,--no-gc-sections', `-Wl,-T,${script}`];
  await zig([...link, ...objects, await compilerRuntime(), '-o', output]);
  return output;
}

/** A poll of the modules. */
export interface Poll {
  /** Cycles that it took. */
  real: number;
  /** Cycles that the modules said they had spent. */
  told: number;
}

export class ChipBench {
  readonly polls: Poll[] = [];
  readonly sent: Sent[] = [];
  private time = 0;

  static async create(model: string): Promise<ChipBench> {
    return new ChipBench(Rp2040Machine.load(await build(model)));
  }

  private constructor(private readonly machine: Rp2040Machine) {
    machine.call('bench_power_on');
  }

  /** Hears a block of 20 ms and runs for as long. */
  block(samples: Int16Array): void {
    const { machine } = this;
    const begin = this.time;
    this.time += BLOCK_US;
    this.scratch ??= machine.allocate(1024);
    machine.call('bench_hear', [machine.write(samples, this.scratch), samples.length]);
    let told = machine.call('bench_cycles_low').unsigned;
    for (let isDue = true; isDue;) {
      const poll = machine.call('bench_step', [this.time]);
      const now = machine.call('bench_cycles_low').unsigned;
      this.polls.push({ real: poll.cycles, told: now - told });
      told = now;
      this.collect(begin);
      isDue = poll.result !== 0;
    }
  }

  /** Sends a command and lets the modules work until its report is there: cycles of all that. */
  ask(service: number, command: number, payload: Uint8Array): { cycles: number; payload: Buffer } {
    const { machine } = this;
    this.sent.length = 0;
    this.send(service, command, payload);
    let { cycles } = this.last;
    for (let polls = 0; this.sent.length === 0; polls++) {
      if (polls > 1000) throw new Error(`no report of command ${command}`);
      this.time += 1;
      cycles += machine.call('bench_step', [this.time]).cycles;
      this.collect(this.time);
    }
    const report = this.sent.find(({ code }) => code === command);
    if (report === undefined) throw new Error(`something else than a report of ${command}`);
    return { cycles, payload: report.payload };
  }

  send(service: number, command: number, payload: Uint8Array): void {
    this.scratch ??= this.machine.allocate(1024);
    this.machine.write(payload, this.scratch);
    const call = [service, command, this.scratch, payload.length];
    this.last = this.machine.call('bench_command', call);
  }

  /** The last call of a command. */
  private last = { cycles: 0 };

  private scratch?: number;

  private collect(at: number): void {
    const { machine } = this;
    const count = machine.call('bench_sent_count').result;
    if (count === 0) return;
    const list = machine.call('bench_sent').unsigned;
    for (let i = 0; i < count; i++) {
      const bytes = Buffer.from(machine.read(list + i * SENT_BYTES, SENT_BYTES));
      const payload = bytes.subarray(4, 4 + bytes.readUInt8(1));
      this.sent.push({
        at,
        service: bytes.readUInt8(0),
        ...kindOf(bytes.readUInt16LE(2)),
        payload,
      });
    }
    machine.call('bench_forget_sent');
  }
}
