/** The arena as a picture: time to the right, addresses upwards, one rectangle a buffer. */
import type { ArenaEntry, MemoryReport } from './report.ts';

const COLOURS: Record<string, string> = {
  activation: '#8ecae6',
  adapter: '#ffb703',
  training: '#d8a7ca',
};
const WIDTH = 960;
const HEIGHT = 540;
const LEFT = 70;
const BOTTOM = 40;
const TOP = 34;

const escape = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => `&#${c.codePointAt(0) ?? 63};`);

/** Draws the report's arena. Deterministic. */
export function arenaSvg(report: MemoryReport): string {
  const { arena } = report;
  const steps = arena.buffers.reduce((most, b) => Math.max(most, b.last + 1), 1);
  const x = (step: number): number => LEFT + ((WIDTH - LEFT - 10) * step) / steps;
  const y = (bytes: number): number =>
    HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - TOP) * bytes) / Math.max(1, arena.bytes);
  const title = `Arena of ${report.model.file}: ${arena.bytes.toLocaleString('en-US')} bytes`;
  const peak = x(arena.peak.step + 0.5).toFixed(1);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" ` +
      'font-family="sans-serif" font-size="12">',
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    `<text x="${LEFT}" y="20" font-size="15">${escape(title)}</text>`,
    ...arena.buffers.map((buffer) => rectangle(buffer, x, y)),
    `<line x1="${peak}" x2="${peak}" y1="${TOP}" y2="${HEIGHT - BOTTOM}" stroke="#c1121f" ` +
      'stroke-dasharray="4 3"/>',
    ...axes(arena.bytes, steps, report.model.layers, x, y),
    ...legend(),
    '</svg>',
  ];
  return parts.join('\n') + '\n';
}

type Scale = (value: number) => number;

function rectangle(buffer: ArenaEntry, x: Scale, y: Scale): string {
  const { name, kind, offset, bytes, first, last } = buffer;
  const [left, right] = [x(first), x(last + 1)];
  const [top, bottom] = [y(offset + bytes), y(offset)];
  const shape =
    `<rect x="${left.toFixed(1)}" y="${top.toFixed(1)}" width="${(right - left).toFixed(1)}" ` +
    `height="${(bottom - top).toFixed(1)}" fill="${COLOURS[kind] ?? '#ccc'}" stroke="#333" ` +
    `stroke-width="0.5"><title>${escape(name)}: ${bytes} bytes at ${offset}</title></rect>`;
  const room = Math.floor((right - left - 6) / 6.8);
  if (bottom - top < 13 || room < 3) return shape;
  const short = name.length <= room ? name : `…${name.slice(1 - room)}`;
  return `${shape}<text x="${(left + 3).toFixed(1)}" y="${(top + 12).toFixed(1)}">${escape(short)}</text>`;
}

function axes(bytes: number, steps: number, layers: number, x: Scale, y: Scale): string[] {
  const marks = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const value = Math.round(bytes * part);
    const at = (y(value) + 4).toFixed(1);
    return `<text x="${LEFT - 6}" y="${at}" text-anchor="end">${value.toLocaleString('en-US')}</text>`;
  });
  const label = (step: number, text: string): string =>
    `<text x="${x(step).toFixed(1)}" y="${HEIGHT - BOTTOM + 16}">${text}</text>`;
  const backward = steps > layers ? [label(layers, 'backward →')] : [];
  return [...marks, label(0, 'forward →'), ...backward];
}

function legend(): string[] {
  const entries = [...Object.entries(COLOURS), ['peak', '#c1121f'] as const];
  return entries.map(([kind, colour], i) => {
    const left = LEFT + 110 * i;
    return (
      `<rect x="${left}" y="${HEIGHT - 14}" width="10" height="10" fill="${colour}"/>` +
      `<text x="${left + 14}" y="${HEIGHT - 5}">${kind}</text>`
    );
  });
}
