/** Does the compiled model fit the board and the manifest's budgets? If not: what to change. */
import { RetuneError } from '../cli/error.ts';
import type { AdapterOptions } from './adapter.ts';
import type { Board } from './board.ts';
import type { Manifest } from './manifest.ts';
import type { MemoryReport } from './report.ts';

const group = (value: number): string => value.toLocaleString('en-US');

/** What another adapter would need, to say which one fits. */
export interface Alternative {
  adapter: AdapterOptions;
  /** Of the arena, inference and training together. */
  arenaBytes: number;
  /** One serialised adapter. */
  adapterBytes: number;
  ramBytes: number;
  flashBytes: number;
}

/** Throws RetuneError for the first limit that is broken. */
export function checkBudgets(
  manifest: Manifest,
  board: Board,
  report: MemoryReport,
  alternatives: Alternative[],
): void {
  const fail = (what: string, change: string): RetuneError =>
    new RetuneError(`${manifest.file}: ${what}; ${change}`);
  const { ram, milliwatt } = manifest.budgets ?? {};
  const need = report.ram.total;
  const free = board.ramBytes - board.ramReservedBytes;
  const limit = Math.min(ram ?? Infinity, free);
  if (need > limit) {
    const budget = ram !== undefined && ram <= free;
    const source = budget ? `"budgets.ram" allows` : `board ${board.id} has`;
    const { bytes, peak } = report.arena;
    const what =
      `learning needs ${group(need)} bytes of RAM but ${source} ${group(limit)} ` +
      `(the arena takes ${group(bytes)}, its peak is in ${peak.name})`;
    const raise = budget && need <= free ? `raise "budgets.ram" to ${need}` : undefined;
    const { places = 1, placeBytes = 0 } = report.adapter ?? {};
    const fewer = places > 1 ? `, or lower "adapter.places": each takes ${group(placeBytes)}` : '';
    const change = advice(raise, alternatives, (a) => a.ramBytes <= limit);
    throw fail(what, change + fewer);
  }
  checkFlash(manifest, board, report, alternatives, fail);
  checkPower(board, milliwatt, fail);
}

type Fail = (what: string, change: string) => RetuneError;

function checkFlash(
  manifest: Manifest,
  board: Board,
  report: MemoryReport,
  alternatives: Alternative[],
  fail: Fail,
): void {
  const budgeted = manifest.budgets?.flash ?? Infinity;
  const free = board.flashBytes - board.flashReservedBytes;
  const limit = Math.min(budgeted, free);
  const need = report.flash.total;
  if (need <= limit) return;
  const source = budgeted <= free ? `"budgets.flash" allows` : `board ${board.id} has`;
  const largest = report.flash.parts.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  const what =
    `model and adapter slots need ${group(need)} bytes of flash but ${source} ${group(limit)} ` +
    `(${group(largest.bytes)} are ${largest.name})`;
  const raise = budgeted <= free && need <= free ? `raise "budgets.flash" to ${need}` : undefined;
  const fewer = report.adapter !== null && report.adapter.slots > 1 ? 'lower "adapter.slots"' : '';
  const change = advice(raise, alternatives, (a) => a.flashBytes <= limit);
  throw fail(what, fewer === '' ? change : `${change}, or ${fewer}`);
}

function checkPower(board: Board, milliwatt: number | undefined, fail: Fail): void {
  const least = board.sleepMilliwatts;
  if (milliwatt === undefined || least === undefined || milliwatt >= least) return;
  const what =
    `"budgets.milliwatt" is ${milliwatt} but board ${board.id} takes ` +
    `${least.toFixed(2)} mW even asleep`;
  throw fail(what, `raise "budgets.milliwatt" above ${least.toFixed(2)} or choose another board`);
}

function advice(
  raise: string | undefined,
  alternatives: Alternative[],
  fits: (alternative: Alternative) => boolean,
): string {
  const fitting = alternatives.find(fits);
  const options: string[] = raise === undefined ? [] : [raise];
  if (fitting !== undefined) {
    const { method, rank } = fitting.adapter;
    const ranked = rank === undefined ? '' : ` with rank ${rank}`;
    options.push(
      `use adapter method "${method}"${ranked} (${group(fitting.ramBytes)} bytes of RAM, ` +
        `${group(fitting.flashBytes)} of flash)`,
    );
  } else {
    options.push('use a smaller model or a larger board');
  }
  return options.join(', or ');
}
