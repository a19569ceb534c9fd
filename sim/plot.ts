import type { StoryEvent, WindowEvent } from './events.ts';

const WIDTH = 1000;
const HEIGHT = 420;
const LEFT = 60;
const RIGHT = 60;
const TOP = 60;
const BOTTOM = 50;
/** Windows over which accuracy is averaged. */
export const AVERAGED = 20;

const COLOURS = {
  accuracy: '#1769aa',
  statistic: '#c8553d',
  frame: '#999',
  text: '#333',
  known: '#eef5ee',
  new: '#fbeeea',
  adapted: '#eaf1fb',
} as const;

/** Windows that a line bridges; longer gaps are left open. */
const LARGEST_GAP = 3;

interface Point {
  /** Of the window. */
  index: number;
  x: number;
  y: number;
}

interface Mark {
  /** Index of the window after which it happened. */
  index: number;
  label: string;
}

/** The story as one picture: accuracy and drift statistic over windows, with marks for what happened. */
export function plotStory(events: readonly StoryEvent[], title: string): string {
  const windows = events.filter((event): event is WindowEvent => event.event === 'window');
  const count = Math.max(1, windows.length);
  const x = (index: number): number => LEFT + ((index - 0.5) / count) * (WIDTH - LEFT - RIGHT);
  const y = (share: number): number => HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM);
  const limit = Math.max(...windows.map(({ limit = 0 }) => limit), 0);
  const highest = Math.max(limit, ...windows.map(({ statistic = 0 }) => statistic)) || 1;
  const statistic = windows
    .filter((window) => window.statistic !== undefined)
    .map(({ index, statistic = 0 }) => ({ index, x: x(index), y: y(statistic / highest) }));
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    text(WIDTH / 2, 20, title, 'middle', COLOURS.text, 15),
    ...phases(windows, x),
    ...axes(y, highest),
    polyline(statistic, COLOURS.statistic),
    polyline(
      averages(windows).map(([index, share]) => ({ index, x: x(index), y: y(share) })),
      COLOURS.accuracy,
    ),
    ...(limit > 0 ? [dashed(LEFT, y(limit / highest), WIDTH - RIGHT, y(limit / highest))] : []),
    ...marksOf(events).map((mark, i) => drawMark(mark, x, i)),
    text(WIDTH / 2, HEIGHT - 12, 'windows', 'middle', COLOURS.text),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

/** Accuracy over the last windows of the same phase, at every window in ordinary use. */
function averages(windows: readonly WindowEvent[]): [number, number][] {
  const ordinary = windows.filter(
    ({ phase, enrolling, training }) => !training && (phase === 'new' || !enrolling),
  );
  return ordinary.map((window, i) => {
    const recent = ordinary
      .slice(Math.max(0, i + 1 - AVERAGED), i + 1)
      .filter(({ phase }) => phase === window.phase);
    return [window.index, recent.filter(({ right }) => right).length / recent.length];
  });
}

function marksOf(events: readonly StoryEvent[]): Mark[] {
  const marks: Mark[] = [];
  let index = 0;
  let training = false;
  for (const event of events) {
    if (event.event === 'window') {
      index = event.index;
      training = false;
    } else if (event.event === 'drift') marks.push({ index, label: 'drift' });
    else if (event.event === 'enrol' && event.state === 'begin')
      marks.push({ index, label: 'enrol' });
    else if (event.event === 'burst' && event.state === 'begin') {
      // slices of one burst make one mark
      if (!training) marks.push({ index, label: 'burst' });
      training = true;
    } else if (event.event === 'saved' || event.event === 'reboot') {
      marks.push({ index, label: event.event });
    }
  }
  return marks;
}

function drawMark({ index, label }: Mark, x: (index: number) => number, order: number): string {
  const at = x(index + 0.5);
  // neighbours are written on different heights so that they can be read
  const height = TOP - 4 - 12 * (order % 2);
  return (
    `<line x1="${round(at)}" y1="${TOP}" x2="${round(at)}" y2="${HEIGHT - BOTTOM}" stroke="${COLOURS.text}" stroke-dasharray="2 3"/>` +
    text(at, height, label, 'middle', COLOURS.text)
  );
}

function phases(windows: readonly WindowEvent[], x: (index: number) => number): string[] {
  const rectangles: string[] = [];
  for (const phase of ['known', 'new', 'adapted'] as const) {
    const inside = windows.filter((window) => window.phase === phase);
    const first = inside[0];
    const last = inside.at(-1);
    if (first === undefined || last === undefined) continue;
    const from = x(first.index - 0.5);
    const width = x(last.index + 0.5) - from;
    rectangles.push(
      `<rect x="${round(from)}" y="${TOP}" width="${round(width)}" height="${HEIGHT - TOP - BOTTOM}" fill="${COLOURS[phase]}"/>`,
      text(from + 4, HEIGHT - BOTTOM - 6, `${phase}: ${first.speaker}`, 'start', COLOURS.text),
    );
  }
  return rectangles;
}

function axes(y: (share: number) => number, highest: number): string[] {
  const lines = [0, 0.25, 0.5, 0.75, 1].map(
    (share) =>
      `<line x1="${LEFT}" y1="${round(y(share))}" x2="${WIDTH - RIGHT}" y2="${round(y(share))}" stroke="#ddd"/>` +
      text(LEFT - 6, y(share) + 4, `${100 * share} %`, 'end', COLOURS.accuracy) +
      text(
        WIDTH - RIGHT + 6,
        y(share) + 4,
        (highest * share).toPrecision(2),
        'start',
        COLOURS.statistic,
      ),
  );
  return [
    ...lines,
    `<text transform="translate(14 ${HEIGHT / 2}) rotate(-90)" text-anchor="middle" fill="${COLOURS.accuracy}">accuracy of the last ${AVERAGED} windows</text>`,
    `<text transform="translate(${WIDTH - 10} ${HEIGHT / 2}) rotate(-90)" text-anchor="middle" fill="${COLOURS.statistic}">drift statistic</text>`,
  ];
}

/** Points by window; the line is broken where windows are missing. */
function polyline(points: readonly Point[], colour: string): string {
  const lines: Point[][] = [];
  points.forEach((point, i) => {
    const before = points[i - 1];
    if (before === undefined || point.index - before.index > LARGEST_GAP) lines.push([]);
    (lines.at(-1) as Point[]).push(point);
  });
  return lines
    .map((line) => line.map(({ x, y }) => `${round(x)},${round(y)}`).join(' '))
    .map((list) => `<polyline points="${list}" fill="none" stroke="${colour}" stroke-width="2"/>`)
    .join('\n');
}

function dashed(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${x1}" y1="${round(y1)}" x2="${x2}" y2="${round(y2)}" stroke="${COLOURS.statistic}" stroke-dasharray="6 4"/>`;
}

function text(
  x: number,
  y: number,
  content: string,
  anchor: 'start' | 'middle' | 'end',
  colour: string,
  size = 12,
): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" fill="${colour}" font-size="${size}">${escape(content)}</text>`;
}

function escape(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function round(value: number): number {
  return Math.round(10 * value) / 10;
}
