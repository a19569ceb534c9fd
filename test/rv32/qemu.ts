import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OpenTransport } from '../../sim/deploy.ts';
import { consoleLine, escapeFrame, LinkReader } from '../../sim/link.ts';

const QEMU = 'qemu-system-riscv32';
const START_ADDRESS = 0x80800000;
const START_BYTES = 16;
/** RT_RV32VIRT_LINK */
const LINK = 1;

/** Real milliseconds after which a run counts as hung. */
const HANG_MS = 120_000;

/** How to get the emulator; it is not part of npm ci. */
export const INSTALL = [
  `${QEMU} is missing. It comes with the system's packages:`,
  '  Debian, Ubuntu  sudo apt-get install qemu-system-misc',
  '  Fedora          sudo dnf install qemu-system-riscv',
  '  macOS           brew install qemu',
  '  Windows         winget install SoftwareFreedomConservancy.QEMU',
].join('\n');

/** Version of the installed emulator; undefined without one. */
export function qemuVersion(): string | undefined {
  const { stdout } = spawnSync(QEMU, ['--version'], { encoding: 'utf8' });
  return stdout ? /version (\S+)/.exec(stdout)?.[1] : undefined;
}

export interface Rv32Run {
  /** Console lines with their level, then `= ` and the end. */
  text: string;
  exitCode: number;
}

/** What the firmware finds at START_ADDRESS (native/hal/rv32virt/rv32virt.h). */
function startBlock(program: Uint8Array, limitMs: number, flags = 0): Uint8Array {
  const block = new Uint8Array(START_BYTES + program.length);
  const view = new DataView(block.buffer);
  view.setUint32(0, program.length, true);
  view.setUint32(4, limitMs, true);
  view.setUint32(8, flags, true);
  block.set(program, START_BYTES);
  return block;
}

/** Arguments of the emulator; `block` is the file of a start block. */
function machine(elf: string, block: string): string[] {
  return [
    ...['-machine', 'virt', '-m', '16M', '-bios', 'none', '-kernel', elf],
    ...['-nographic', '-monitor', 'none', '-serial', 'stdio'],
    ...['-device', `loader,file=${block},addr=${START_ADDRESS},force-raw=on`],
  ];
}

/** Writes a start block to a file for as long as `use` runs. */
async function withBlock<T>(block: Uint8Array, use: (file: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'retune-rv32-'));
  const file = join(folder, 'start.bin');
  writeFileSync(file, block);
  try {
    return await use(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Runs a program in the emulator. Its clock counts instructions, 8 ns each, and jumps while the core
 * sleeps: runs are fast, and the same every time.
 */
export function runRv32(
  elf: string,
  program: Uint8Array,
  { limitMs = 60_000 } = {},
): Promise<Rv32Run> {
  return withBlock(startBlock(program, limitMs), (block) =>
    start([...machine(elf, block), '-icount', 'shift=3,sleep=off']),
  );
}

/** A board whose serial line goes to `use`: frames by the transport, console lines to `onLine`. */
export function withRv32Board<T>(
  elf: string,
  onLine: (line: string) => void,
  use: (open: OpenTransport) => Promise<T>,
): Promise<T> {
  return withBlock(startBlock(new Uint8Array(0), 0, LINK), async (block) => {
    const qemu = spawn(QEMU, machine(elf, block), { stdio: ['pipe', 'pipe', 'ignore'] });
    try {
      return await use(serialLine(qemu, onLine));
    } finally {
      qemu.kill();
    }
  });
}

function serialLine(qemu: ChildProcess, onLine: (line: string) => void): OpenTransport {
  return (onFrame) => {
    const reader = new LinkReader({
      onFrame,
      onText: (line) => {
        const { level, text } = consoleLine(line);
        onLine(`${level} ${text}`);
      },
    });
    qemu.stdout?.on('data', (bytes: Uint8Array) => reader.feed(bytes));
    return Promise.resolve({
      send: (frame) => void qemu.stdin?.write(escapeFrame(frame)),
      close: () => undefined,
    });
  };
}

function start(args: string[]): Promise<Rv32Run> {
  const options = { maxBuffer: 1 << 26, timeout: HANG_MS };
  return new Promise((resolve, reject) => {
    execFile(QEMU, args, options, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : error.code;
      if (typeof exitCode === 'number' && exitCode < 4) resolve({ text: stdout, exitCode });
      else reject(new Error(`${error?.signal ?? exitCode ?? ''}\n${stdout.slice(-500)}${stderr}`));
    });
  });
}
