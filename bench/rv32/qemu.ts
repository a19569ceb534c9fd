/**
 * The same image and the same calls on QEMU's riscv32 `virt` machine (calls.c): what machine.ts
 * counts is held against QEMU's minstret. QEMU is not part of npm ci (test/rv32/qemu.ts says how to
 * get it); nothing but `npm run test:rv32` needs it.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Rv32Machine } from './machine.ts';

const run = promisify(execFile);
/** CALLS of calls.c: count, memory, bytes, then nine words a call. */
const CALLS = 0x80700000;
const ARGUMENTS = 8;

export interface QemuCall {
  name: string;
  args: number[];
}

export interface QemuRun {
  calls: { unsigned: number; instructions: number }[];
  memory: Uint8Array;
}

export interface QemuJob {
  elf: string;
  /** For the addresses of functions. */
  machine: Rv32Machine;
  /** What lies in memory before the first call. */
  memory: { address: number; bytes: Uint8Array }[];
  calls: QemuCall[];
  /** What is read after the last call. */
  read: { address: number; bytes: number };
}

function callList({ machine, calls, read }: QemuJob): Uint8Array {
  const words = [calls.length, read.address, read.bytes];
  for (const { name, args } of calls) {
    if (args.length > ARGUMENTS) throw new Error(`${name}: more than ${ARGUMENTS} arguments`);
    words.push(machine.address(name), ...args, ...Array<number>(ARGUMENTS - args.length).fill(0));
  }
  return new Uint8Array(Uint32Array.from(words, (word) => word >>> 0).buffer);
}

/** Runs the calls one after another in one emulation. */
export async function runOnQemu(job: QemuJob): Promise<QemuRun> {
  const folder = mkdtempSync(join(tmpdir(), 'retune-qemu-'));
  const pieces = [...job.memory, { address: CALLS, bytes: callList(job) }];
  const loaders = pieces.flatMap(({ address, bytes }, i) => {
    const file = join(folder, `${i}.bin`);
    writeFileSync(file, bytes);
    return ['-device', `loader,file=${file},addr=${address},force-raw=on`];
  });
  try {
    const { stdout } = await run(
      'qemu-system-riscv32',
      [
        ...['-machine', 'virt', '-m', '16M', '-bios', 'none', '-kernel', job.elf],
        ...['-nographic', '-monitor', 'none', '-serial', 'stdio'],
        ...['-icount', 'shift=0,sleep=off', ...loaders],
      ],
      { timeout: 120_000, maxBuffer: 1 << 26 },
    );
    return parse(stdout, job.calls.length);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function parse(text: string, count: number): QemuRun {
  const lines = text.trim().split(/\r?\n/);
  const calls = lines.slice(0, count).map((line) => {
    const [unsigned = 0, instructions = 0] = line.split(' ').map((hex) => parseInt(hex, 16));
    return { unsigned, instructions };
  });
  return { calls, memory: new Uint8Array(Buffer.from(lines[count] ?? '', 'hex')) };
}
