/**
 * The arena as a picture: time to the right, one column a layer, first forward and then back;
 * addresses upwards; one shape a buffer, as wide as its life and as high as what is used of it. An
 * output that lies over its layer's input is drawn over it, half transparent.
 */
import { phasesOf } from './arena.ts';
import type { ArenaEntry, MemoryReport } from './report.ts';

const COLOURS: Record<string, string> = {
  activation: '#8ecae6',
  adapter: '#ffb703',
  training: '#d8a7ca',
};
const PEAK = '#c1121f';
const WIDTH = 1200;
const HEIGHT = 680;
const LEFT = 70;
const RIGHT = 10;
const BOTTOM = 56;
const TOP = 44;
const FLOOR = HEIGHT - BOTTOM;
const LETTER = 6.8;
const LINE = 13;

const escape = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => `&#${c.codePointAt(0) ?? 63};`);
const group = (value: number): string => value.toLocaleString('en-US');

type Scale = (value: number) => number;

/** Draws the report's arena. Deterministic. */
export function arenaSvg(report: MemoryReport): string {
  const { arena, model } = report;
  const steps = arena.buffers.reduce((most, b) => Math.max(most, b.last + 1), 1);
  const x = (step: number): number => LEFT + ((WIDTH - LEFT - RIGHT) * step) / steps;
  const y = (bytes: number): number => FLOOR - ((FLOOR - TOP) * bytes) / Math.max(1, arena.bytes);
  const title = `Arena of ${model.file}: ${group(arena.bytes)} bytes`;
  const proof =
    arena.bytes === arena.lowerBound
      ? 'no plan takes less'
      : `no plan takes less than ${group(arena.lowerBound)}`;
  const peak = x(arena.peak.step + 0.5).toFixed(1);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" ` +
      'font-family="sans-serif" font-size="12">',
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    `<text x="${LEFT}" y="18" font-size="15">${escape(title)}</text>`,
    `<text x="${LEFT}" y="34">${escape(proof)}; inference alone ${group(arena.inferenceBytes)}</text>`,
    ...Array.from({ length: steps + 1 }, (_, step) => grid(x(step))),
    ...arena.buffers.map((buffer) => shape(buffer, x, y)),
    `<line x1="${peak}" x2="${peak}" y1="${TOP}" y2="${FLOOR}" stroke="${PEAK}" ` +
      'stroke-dasharray="4 3"/>',
    ...addresses(arena.bytes, y),
    ...times(steps, model.layers, x),
    ...legend(),
    '</svg>',
  ];
  return parts.join('\n') + '\n';
}

const grid = (x: number): string =>
  `<line x1="${x.toFixed(1)}" x2="${x.toFixed(1)}" y1="${TOP}" y2="${FLOOR}" stroke="#eee"/>`;

/** A buffer: its phases as one group, its name in the widest of them. */
function shape(buffer: ArenaEntry, x: Scale, y: Scale): string {
  const { name, kind, offset, bytes } = buffer;
  const colour = COLOURS[kind] ?? '#ccc';
  const phases = phasesOf(buffer).filter((phase) => phase.bytes > 0);
  const widest = phases.reduce(
    (best, phase) => (phase.last - phase.first > best.last - best.first ? phase : best),
    phases[0] ?? buffer,
  );
  const rectangles = phases.map((phase) => {
    const [left, right] = [x(phase.first), x(phase.last + 1)];
    const [top, bottom] = [y(offset + phase.bytes), y(offset)];
    return (
      `<rect x="${left.toFixed(1)}" y="${top.toFixed(1)}" width="${(right - left).toFixed(1)}" ` +
      `height="${(bottom - top).toFixed(1)}"/>`
    );
  });
  const title = `<title>${escape(name)}: ${bytes} bytes at ${offset}</title>`;
  const [left, top] = [x(widest.first), y(offset + widest.bytes)];
  const room = Math.floor((x(widest.last + 1) - left - 6) / LETTER);
  const fits = y(offset) - top >= LINE && room >= 3;
  const short = name.length <= room ? name : `…${name.slice(1 - room)}`;
  const label = fits
    ? `<text x="${(left + 3).toFixed(1)}" y="${(top + LINE - 1).toFixed(1)}">${escape(short)}</text>`
    : '';
  return (
    `<g>${title}<g fill="${colour}" fill-opacity="0.8" stroke="#333" stroke-width="0.5">` +
    `${rectangles.join('')}</g>${label}</g>`
  );
}

function addresses(bytes: number, y: Scale): string[] {
  return [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const value = Math.round(bytes * part);
    const at = (y(value) + 4).toFixed(1);
    return `<text x="${LEFT - 6}" y="${at}" text-anchor="end">${group(value)}</text>`;
  });
}

/** The number of the layer under every column; every other one where they are narrow. */
function times(steps: number, layers: number, x: Scale): string[] {
  const every = Math.ceil(18 / (x(1) - x(0)));
  const numbers = Array.from({ length: steps }, (_, step) => {
    if (step % every !== 0) return '';
    const layer = step < layers ? step : 2 * layers - 1 - step;
    const middle = x(step + 0.5).toFixed(1);
    return `<text x="${middle}" y="${FLOOR + 14}" text-anchor="middle">${layer}</text>`;
  });
  const label = (step: number, text: string): string =>
    `<text x="${x(step).toFixed(1)}" y="${FLOOR + 30}">${text}</text>`;
  const backward = steps > layers ? [label(layers, 'layers backward →')] : [];
  return [...numbers, label(0, 'layers forward →'), ...backward];
}

function legend(): string[] {
  const entries = [...Object.entries(COLOURS), ['most bytes alive', PEAK] as const];
  return entries.map(([kind, colour], i) => {
    const left = LEFT + 120 * i;
    return (
      `<rect x="${left}" y="${HEIGHT - 14}" width="10" height="10" fill="${colour}"/>` +
      `<text x="${left + 14}" y="${HEIGHT - 5}">${kind}</text>`
    );
  });
}
