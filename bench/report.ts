/** Rows as a table on the terminal. */
import Table from 'cli-table3';
import type { BenchRow, Goal } from './rows.ts';

export const number = (value: number | null | undefined): string =>
  value === null || value === undefined ? '' : value.toLocaleString('en-US');

const UNITS: Record<Goal['unit'], string> = {
  cycles: '',
  bytes: ' bytes',
  'times inference': ' x',
  seconds: ' s',
};

export const goalText = (goal: Goal | undefined): string =>
  goal === undefined ? '' : `≤ ${number(goal.limit)}${UNITS[goal.unit]}`;

/** What the row is about in a word or two, for rows whose figure is not cycles alone. */
export function figureText(row: BenchRow): string {
  if (row.batteryDays !== undefined) return `${row.batteryDays} days on a battery`;
  if (row.millijoules !== undefined) return `${number(row.millijoules)} mJ`;
  if (row.seconds !== undefined) return `${row.seconds.toFixed(2)} s`;
  if (row.timesInference !== undefined) return `${row.timesInference.toFixed(3)} x`;
  return row.perMac === null ? '' : `${row.perMac.toFixed(2)} a MAC`;
}

export function verdict(row: BenchRow): string {
  if (row.missing !== undefined) return `not measured: ${row.missing}`;
  if (!row.isCorrect) return 'WRONG RESULT';
  if (row.goal === undefined) return 'right';
  return row.ok ? 'right, reached' : 'right, missed';
}

export function rowTable(rows: BenchRow[]): string {
  const table = new Table({
    head: ['', 'target', 'cycles', '', 'goal', 'others', 'bytes', ''],
    colAligns: ['left', 'left', 'right', 'right', 'right', 'right', 'right', 'left'],
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows) {
    const peer = row.peer ? `${number(row.peer.cycles)} ${row.peer.name}` : '';
    const head = [row.name, row.target, number(row.cycles), figureText(row)];
    table.push([...head, goalText(row.goal), peer, number(row.bytes), verdict(row)]);
  }
  return table.toString();
}
