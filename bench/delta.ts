/**
 * What taking a delta costs a board: the signature's check on a core whose flash cache is counted,
 * the whole installation over the link of an emulated RP2040, flash and RAM of the module.
 *
 *     npx retune bench delta [--json] [--check] [--write]
 *
 * `--check` fails when a bound of the module does not hold, `--write` puts the tables into
 * docs/delta.md.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Table from 'cli-table3';
import { RetuneError } from '../cli/error.ts';
import { readBoard } from '../compiler/board.ts';
import { compileModel } from '../compiler/compile.ts';
import { buildFirmware, type FirmwareOptions } from '../compiler/firmware.ts';
import { projectRoot, scratchFolder } from '../compiler/toolchain.ts';
import { linkToChip, type OpenBoardLink } from '../fleet/board-link.ts';
import { type Coding, CODINGS } from '../fleet/coding.ts';
import { packDelta, signDelta } from '../fleet/delta.ts';
import { applyDelta } from '../fleet/transfer.ts';
import { packetsOf } from '../sim/link.ts';
import { DEFAULT_MODEL } from '../sim/model-engine.ts';
import { Rp2040Chip } from '../sim/rp2040/chip.ts';
import { chipVerify, signed } from '../test/delta/ed25519-module.ts';
import { owner, RFC_PUBLIC } from '../test/fleet/golden.ts';
import { writeBetween } from './document.ts';
import { MISS_CYCLES } from './rp2040/xip.ts';

const MEGAHERTZ = 125;
/** End of the RP2040's SRAM. */
const STACK_TOP = 0x20042000;
const COMMAND_FINISH = 0x82;
const GOLDEN = 'test/golden/delta';
/** Always the same: how long a check takes depends a little on key and signature. */
const KEY = Uint8Array.from(Buffer.from(RFC_PUBLIC, 'hex'));

const STACK_MOST = 4608;
const FLASH_MOST = 40 * 1024;
const RAW_MOST = 4096;

// ---- the signature ----

export interface SignatureCost {
  messageBytes: number;
  cycles: number;
  /** With the lines that the flash cache had to fetch. */
  milliseconds: number;
  stackBytes: number;
  flashBytes: number;
}

async function signatureCost(messageBytes: number): Promise<SignatureCost> {
  const chip = await chipVerify({ xip: true });
  const message = new Uint8Array(messageBytes).fill(0x5a);
  const { result, cycles, stackBytes } = chip.verify(signed(message, owner), [message], KEY);
  if (result !== 0) throw new Error(`bench: the signature is refused with ${result}`);
  const missCycles = chip.misses() * MISS_CYCLES;
  return {
    ...{ messageBytes, cycles, stackBytes, flashBytes: chip.flashBytes },
    milliseconds: (cycles + missCycles) / (1000 * MEGAHERTZ),
  };
}

// ---- an installation ----

export interface Installation {
  what: string;
  fileBytes: number;
  /** From the first piece to the answer, with the link in between. */
  transferMs: number;
  /** From `finish` to its report. */
  finishMs: number;
  /** Longest time in it that the main loop was held: the converter keeps 2,048 samples. */
  longestMs: number;
  erases: number;
  programs: number;
  /** Deepest during it. */
  stackBytes: number;
}

const golden = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(join(projectRoot, GOLDEN, name)));

async function installation(coding: Coding, base?: Uint8Array): Promise<Installation> {
  const trust = { owner: KEY, lock: false };
  const options = { deviceId: '1122334455667788', seed: 1, model: DEFAULT_MODEL };
  const chip = await Rp2040Chip.create({ ...options, takesDeltas: true, trust });
  const link = probe(chip);
  const apply = (blob: Uint8Array, counter: number, from?: Uint8Array): Promise<unknown> => {
    const packed = packDelta(blob, 'bench', { counter, coding, base: from, slot: 0 });
    const file = signDelta(packed, 'bench', owner);
    link.fileBytes = file.length;
    return applyDelta(file, 'bench', link.open);
  };
  if (base !== undefined) await apply(base, 1);
  link.clear();
  chip.machine.cpu.lowestStack = STACK_TOP;
  await apply(golden('skip.adapter'), 2, base);
  const { fileBytes, transferMs, finishMs, longestMs, erases, programs } = link;
  const what = base === undefined ? coding : `${coding}, difference to a base`;
  const stackBytes = STACK_TOP - chip.machine.cpu.lowestStack;
  return { what, fileBytes, transferMs, finishMs, longestMs, erases, programs, stackBytes };
}

/** Listens at the link and at the flash of a chip. */
function probe(chip: Rp2040Chip): Omit<Installation, 'what' | 'stackBytes'> & {
  open: OpenBoardLink;
  clear: () => void;
} {
  const zero = { transferMs: 0, finishMs: 0, longestMs: 0, erases: 0, programs: 0 };
  let [begun, finish, turn] = [0, Infinity, 0];
  const probe = {
    ...{ ...zero, fileBytes: 0 },
    clear: () => {
      Object.assign(probe, zero);
      [begun, finish] = [0, Infinity];
    },
    open: (async (onFrame) => {
      const link = await linkToChip(() => Promise.resolve(chip), { onFrame: seen });
      function seen(frame: Uint8Array): void {
        const isDone = packetsOf(frame).some((packet) => packet.command === COMMAND_FINISH);
        if (isDone) {
          probe.finishMs = chip.now - finish;
          finish = Infinity;
        }
        onFrame(frame);
      }
      return {
        ...link,
        send: (frame) => {
          if (begun === 0) begun = chip.now;
          if (packetsOf(frame).some((packet) => packet.command === COMMAND_FINISH)) {
            probe.transferMs = chip.now - begun;
            finish = chip.now;
          }
          link.send(frame);
        },
      };
    }) satisfies OpenBoardLink,
  };
  chip.machine.hook(chip.addressOf('rt_bus_process'), () => {
    if (chip.now > finish) probe.longestMs = Math.max(probe.longestMs, chip.now - turn);
    turn = chip.now;
  });
  chip.machine.flash.onOperation = ({ kind }) => {
    if (kind === 'erase') probe.erases++;
    else probe.programs++;
  };
  return probe;
}

// ---- flash and RAM ----

export interface ModuleCost {
  flashBytes: number;
  ramBytes: number;
}

/** Of a board with the digits model, with the module less without it. */
async function moduleCost(): Promise<ModuleCost> {
  const board = readBoard(join(projectRoot, 'boards/rp2040_pico.board.json'));
  const bytes = readFileSync(DEFAULT_MODEL);
  const model = compileModel(bytes, DEFAULT_MODEL, { adapter: { method: 'skip' }, packed: true });
  const build = async (modules: string[]): Promise<ModuleCost> => {
    const outDir = scratchFolder(`bench-delta-${modules.length}`);
    const options: FirmwareOptions = { board, model, modules, outDir };
    const { image, report } = await buildFirmware(options);
    return { flashBytes: image.length, ramBytes: report.ram.code + report.ram.static };
  };
  const without = await build(['capture', 'learner']);
  const withIt = await build(['capture', 'learner', 'delta']);
  return {
    flashBytes: withIt.flashBytes - without.flashBytes,
    ramBytes: withIt.ramBytes - without.ramBytes,
  };
}

// ---- report ----

export interface DeltaReport {
  signatures: SignatureCost[];
  installations: Installation[];
  module: ModuleCost;
}

export async function measureDelta(): Promise<DeltaReport> {
  const installations: Installation[] = [];
  for (const coding of CODINGS) installations.push(await installation(coding));
  installations.push(await installation('entropy', golden('base.adapter')));
  const signatures = [await signatureCost(0), await signatureCost(RAW_MOST)];
  return { signatures, installations, module: await moduleCost() };
}

const grouped = (value: number): string => Math.round(value).toLocaleString('en-US');

const SIGNATURE_HEAD = ['signature over', 'cycles', 'ms', 'stack', 'flash'];
const signatureCells = (cost: SignatureCost): string[] => [
  `${grouped(cost.messageBytes)} B`,
  grouped(cost.cycles),
  cost.milliseconds.toFixed(1),
  `${grouped(cost.stackBytes)} B`,
  `${grouped(cost.flashBytes)} B`,
];

const INSTALLATION_HEAD = [
  ...['digits adapter', 'file', 'transfer, ms', 'finish, ms', 'longest turn, ms'],
  ...['erases', 'programs', 'deepest stack'],
];
const installationCells = (one: Installation): string[] => [
  one.what,
  `${grouped(one.fileBytes)} B`,
  one.transferMs.toFixed(0),
  one.finishMs.toFixed(0),
  one.longestMs.toFixed(0),
  String(one.erases),
  String(one.programs),
  `${grouped(one.stackBytes)} B`,
];

function printTable(head: string[], rows: string[][]): string {
  const table = new Table({ head, style: { head: [], border: [], compact: true } });
  table.push(...rows);
  return table.toString();
}

const markdown = (head: string[], rows: string[][]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const moduleText = ({ flashBytes, ramBytes }: ModuleCost): string =>
  `Module \`delta\` with all it needs: ${grouped(flashBytes)} B of flash, ${grouped(ramBytes)} B of RAM.`;

const PAGE = join(projectRoot, 'docs/delta.md');
const MARKS = ['<!-- figures: retune bench delta --write -->', '<!-- end of figures -->'] as const;

async function writePage({ signatures, installations, module }: DeltaReport): Promise<void> {
  const text = [
    markdown(SIGNATURE_HEAD, signatures.map(signatureCells)),
    markdown(INSTALLATION_HEAD, installations.map(installationCells)),
    moduleText(module),
  ].join('\n\n');
  await writeBetween(PAGE, MARKS, text);
}

function findBroken({ signatures, installations }: DeltaReport): string[] {
  const broken: string[] = [];
  for (const { stackBytes, flashBytes } of signatures) {
    if (stackBytes > STACK_MOST) broken.push(`the signature takes ${stackBytes} B of stack`);
    if (flashBytes > FLASH_MOST) broken.push(`the signature takes ${flashBytes} B of flash`);
  }
  for (const { what, fileBytes } of installations) {
    if (what === 'raw' && fileBytes > RAW_MOST) broken.push(`a raw delta has ${fileBytes} bytes`);
  }
  return broken;
}

export interface DeltaBenchOptions {
  json?: boolean;
  check?: boolean;
  write?: boolean;
}

/** `retune bench delta`. Throws RetuneError when a bound does not hold. */
export async function runDeltaBench(options: DeltaBenchOptions = {}): Promise<void> {
  const report = await measureDelta();
  if (options.json) console.log(JSON.stringify(report, null, 2));
  else {
    console.log(printTable(SIGNATURE_HEAD, report.signatures.map(signatureCells)));
    console.log(printTable(INSTALLATION_HEAD, report.installations.map(installationCells)));
    console.log(moduleText(report.module));
  }
  if (options.write) await writePage(report);
  const broken = findBroken(report);
  if (broken.length > 0) throw new RetuneError(`bench: ${broken.join('; ')}`);
}
