import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const QEMU = 'qemu-system-riscv32';
const START_ADDRESS = 0x80800000;
const START_BYTES = 16;

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
function startBlock(program: Uint8Array, limitMs: number): Uint8Array {
  const block = new Uint8Array(START_BYTES + program.length);
  const view = new DataView(block.buffer);
  view.setUint32(0, program.length, true);
  view.setUint32(4, limitMs, true);
  block.set(program, START_BYTES);
  return block;
}

/**
 * Runs a program in the emulator. Its clock counts instructions, 8 ns each, and jumps while the core
 * sleeps: runs are fast, and the same every time.
 */
export async function runRv32(
  elf: string,
  program: Uint8Array,
  { limitMs = 60_000 } = {},
): Promise<Rv32Run> {
  const folder = mkdtempSync(join(tmpdir(), 'retune-rv32-'));
  const block = join(folder, 'start.bin');
  writeFileSync(block, startBlock(program, limitMs));
  const args = [
    ...['-machine', 'virt', '-m', '16M', '-bios', 'none', '-kernel', elf],
    ...['-nographic', '-monitor', 'none', '-serial', 'stdio', '-icount', 'shift=3,sleep=off'],
    ...['-device', `loader,file=${block},addr=${START_ADDRESS},force-raw=on`],
  ];
  try {
    return await start(args);
  } finally {
    rmSync(folder, { recursive: true });
  }
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
