/**
 * The real firmware with a script that trains and saves, on an emulated RP2040 that loses its power:
 * in the middle of an erase, of a page, of a burst, and soon after a start. The flash keeps what the
 * operation left (sim/rp2040/nor-flash.ts tears it), the chip starts through its boot ROM, and what
 * the firmware finds is held against what the script had been told was saved.
 */
import { join } from 'node:path';
import { projectRoot } from '../../compiler/toolchain.ts';
import { compileProgram } from '../../sim/compile.ts';
import { DEFAULT_MODEL } from '../../sim/model-engine.ts';
import { Random } from '../../sim/random.ts';
import { Rp2040Chip } from '../../sim/rp2040/chip.ts';
import {
  ERASE_SECTOR_NANOS,
  PROGRAM_NANOS,
  type FlashOperation,
} from '../../sim/rp2040/nor-flash.ts';
import { readAdapters, type SavedVersion } from './saved-adapters.ts';

const PROGRAM = join(projectRoot, 'test/power/programs/saves.ts');
const SLOTS = 2;
const SLICE_NANOS = 20_000;
const MS = 1_000_000;
/** A start, with loading what was saved, is done by then; so is all the rest that is waited for. */
const START_LIMIT_MS = 500;
const LIMIT_MS = 20_000;
const STATUS_OK = '0';
const STATUS_EMPTY = '6';

export interface ChipCuts {
  erases: number;
  programs: number;
  bursts: number;
  starts: number;
  boots: number;
  saves: number;
  keptOld: number;
  keptNew: number;
  /** What went wrong, one line each. */
  lost: string[];
}

export interface ChipCutOptions {
  cuts: number;
  seed: number;
}

type Place = FlashOperation['kind'] | 'burst' | 'start';

/** Half of the cuts hit a flash operation, a quarter each a burst and a start. */
const PLACES: Place[] = ['program', 'burst', 'erase', 'start'];

/** Of the operations of a kind to come, how far off the one that is cut is at most. */
const FARTHEST = { erase: 2, program: 40 };

export async function cutRp2040({ cuts, seed }: ChipCutOptions): Promise<ChipCuts> {
  const { image } = await compileProgram(PROGRAM);
  const random = new Random(seed);
  const chip = await Rp2040Chip.create({
    deviceId: '1d46a30eef48919f',
    seed,
    program: image,
    model: DEFAULT_MODEL,
    sound: {
      begin: () => undefined,
      next: (count) => Int16Array.from({ length: count }, () => (random.next() >>> 18) - 8192),
    },
  });
  const board = new CutBoard(chip, random);
  board.start();
  for (let i = 0; i < cuts && board.counts.lost.length === 0; i++) {
    board.cutAt(PLACES[i % PLACES.length] ?? 'program');
    board.start();
  }
  return board.counts;
}

class CutBoard {
  readonly counts: ChipCuts = {
    ...{ erases: 0, programs: 0, bursts: 0, starts: 0 },
    ...{ boots: 0, saves: 0, keptOld: 0, keptNew: 0, lost: [] },
  };
  /** What the script was told is saved. */
  private readonly saved: (SavedVersion | undefined)[] = [];
  private saving?: number;
  /** Set by a flash operation that is to be cut. */
  private cutNanos = Infinity;
  private running?: FlashOperation;
  private awaited?: FlashOperation['kind'];
  private untilOperation = 0;
  private what = 'before any cut';

  constructor(
    private readonly chip: Rp2040Chip,
    private readonly random: Random,
  ) {
    this.watch();
  }

  private watch(): void {
    const { machine } = this.chip;
    machine.flash.onOperation = (operation) => {
      if (operation.kind !== this.awaited || --this.untilOperation !== 0) return;
      const whole = operation.kind === 'erase' ? ERASE_SECTOR_NANOS : PROGRAM_NANOS;
      this.running = operation;
      this.cutNanos = machine.nanos + whole * (this.random.below(1000) / 1000);
    };
  }

  private fail(text: string): void {
    this.counts.lost.push(`${text} (${this.what}, at ${this.chip.now.toFixed(2)} ms)`);
  }

  /** Runs until a line says so; false when the power is to be cut before that, or never. */
  private runUntil(isIt: (line: string) => boolean, limitMs: number): boolean {
    const { chip } = this;
    const end = chip.machine.nanos + limitMs * MS;
    while (chip.machine.nanos < Math.min(end, this.cutNanos)) {
      const next = Math.min(end, this.cutNanos) - chip.machine.nanos;
      chip.machine.run(Math.min(SLICE_NANOS, next));
      chip.take();
      let found = false;
      for (const line of chip.takeConsole()) {
        const text = line.replace(/^> /, '');
        this.hear(text);
        found ||= isIt(text);
      }
      if (found) return true;
      if (chip.stop !== undefined) return false;
    }
    return false;
  }

  private hear(line: string): void {
    const [verb = ''] = line.split(' ');
    const fields = new Map(line.split(' ').map((part) => part.split('=') as [string, string]));
    const slot = Number(fields.get('slot'));
    if (verb === 'save') this.saving = slot;
    if (verb === 'saved') {
      this.saving = undefined;
      if (fields.get('status') !== STATUS_OK) this.fail(`the firmware says: ${line}`);
      this.saved[slot] = readAdapters(this.chip.flash).get(slot);
      if (this.saved[slot] === undefined) this.fail(`nothing is in slot ${slot} after its save`);
      this.counts.saves += 1;
    }
    if (verb === 'load') this.heardLoad(line, slot, fields.get('status'));
    if (/panic|exception/i.test(line)) this.fail(`the firmware says: ${line}`);
  }

  private heardLoad(line: string, slot: number, status: string | undefined): void {
    const expected = this.saved[slot] === undefined ? STATUS_EMPTY : STATUS_OK;
    const isNew = this.saving === slot && status === STATUS_OK;
    if (status !== expected && !isNew) this.fail(`the firmware says: ${line}`);
  }

  /** Lets it start and looks at what it finds. */
  start(): void {
    this.counts.boots += 1;
    if (!this.runUntil((line) => line.startsWith(`load slot=${SLOTS - 1} `), START_LIMIT_MS)) {
      this.fail('the script does not start');
      return;
    }
    const found = readAdapters(this.chip.flash);
    for (let slot = 0; slot < SLOTS; slot++) this.compare(slot, found.get(slot));
    this.saving = undefined;
  }

  private compare(slot: number, found: SavedVersion | undefined): void {
    const before = this.saved[slot];
    const wasSaving = this.saving === slot;
    if (same(before, found)) {
      if (wasSaving) this.counts.keptOld += 1;
      return;
    }
    if (wasSaving && found !== undefined && found.saves === (before?.saves ?? 0) + 1) {
      this.counts.keptNew += 1;
      this.saved[slot] = found;
      return;
    }
    this.fail(`slot ${slot} holds neither what was saved nor what was being saved`);
  }

  cutAt(place: Place): void {
    if (place === 'burst') this.cutInBurst();
    else if (place === 'start') this.cutInStart();
    else this.cutInOperation(place);
    this.awaited = undefined;
    this.cutNanos = Infinity;
    this.running = undefined;
    this.chip.machine.reset('power');
    this.watch();
  }

  private cutInOperation(kind: FlashOperation['kind']): void {
    this.awaited = kind;
    this.untilOperation = 1 + this.random.below(FARTHEST[kind]);
    this.runUntil(() => false, LIMIT_MS);
    const { running } = this;
    if (running === undefined) {
      this.fail('the script no longer saves');
      return;
    }
    this.counts[`${kind}s`] += 1;
    this.what = `power cut in the ${kind} at 0x${running.offset.toString(16)}`;
  }

  private cutInBurst(): void {
    if (!this.runUntil((line) => line === 'burst begins', LIMIT_MS)) {
      this.fail('the script no longer trains');
      return;
    }
    this.cutNanos = this.chip.machine.nanos + this.random.below(300) * MS;
    if (!this.runUntil((line) => line === 'burst ends', LIMIT_MS)) this.counts.bursts += 1;
    this.what = 'power cut in a burst';
  }

  /** Before the script says anything, or soon after. */
  private cutInStart(): void {
    this.chip.machine.reset('power');
    this.counts.boots += 1;
    this.cutNanos = this.chip.machine.nanos + this.random.below(40_000) * 1000;
    this.runUntil(() => false, LIMIT_MS);
    this.counts.starts += 1;
    this.what = 'power cut soon after a start';
  }
}

function same(a: SavedVersion | undefined, b: SavedVersion | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.saves === b.saves && Buffer.compare(a.payload, b.payload) === 0;
}
