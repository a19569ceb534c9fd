/**
 * The arena planner: buffers with sizes and lifetimes on a timeline of steps get offsets so that no
 * two that live at the same time overlap, with a small peak.
 *
 * Buffers of one group form a rigid body: each lies at its offset from the group's base, and they
 * may overlap each other (that is what groups are for). Bodies are placed one by one at the lowest
 * free offset. Some order of placement gives the optimum, so several orders are tried, each improved
 * by bringing forward what reaches the peak, then a search with branch and bound over orders, until
 * the peak meets the lower bound or the budget of search steps is spent. Everything is deterministic.
 */

export interface PlanBuffer {
  name: string;
  bytes: number;
  /** First and last step in which the buffer holds something. */
  first: number;
  last: number;
  /** A multiple of 4; 4 where not given. */
  align?: number;
  group?: string;
  groupOffset?: number;
  /** For the report. */
  kind?: string;
}

export interface ArenaPlan {
  offsets: Map<string, number>;
  /** Bytes of the whole arena, a multiple of 4. */
  peak: number;
  /** No plan can be smaller: most bytes alive in one step. */
  lowerBound: number;
}

interface Rectangle {
  name: string;
  start: number;
  bytes: number;
  first: number;
  last: number;
}

/** A buffer, or a group of them that moves as one. Rectangles start relative to the body. */
interface Body {
  rectangles: Rectangle[];
  align: number;
  extent: number;
}

const SEARCH_STEPS = 4000;
const PROMOTIONS = 20;
const alignUp = (value: number, align: number): number => Math.ceil(value / align) * align;

/** Places buffers. Throws for buffers that are malformed; that is a defect of the caller. */
export function planArena(buffers: PlanBuffer[]): ArenaPlan {
  const bodies = makeBodies(buffers);
  const lowerBound = liveBytes(bodies).reduce((most, live) => Math.max(most, live.bytes), 0);
  let best: Placement = { offsets: new Map(), peak: Infinity };
  for (const order of orders(bodies)) best = promote(order, best, lowerBound);
  best = search(bodies, best, lowerBound);
  return { offsets: best.offsets, peak: best.peak, lowerBound };
}

/** Places in this order, then again and again with what reached the peak brought forward. */
function promote(start: Body[], best: Placement, lowerBound: number): Placement {
  let order = start;
  for (let round = 0; round < PROMOTIONS && best.peak > lowerBound; round++) {
    const placement = placeInOrder(order);
    if (placement.peak < best.peak) best = placement;
    const top = order.findIndex((body) => endOf(body, placement) === placement.peak);
    const body = order[top];
    if (top < 1 || body === undefined) break;
    const rest = order.filter((other) => other !== body);
    const place = Math.floor(top / 2);
    order = [...rest.slice(0, place), body, ...rest.slice(place)];
  }
  return best;
}

const endOf = (body: Body, { offsets }: Placement): number =>
  Math.max(...body.rectangles.map((r) => (offsets.get(r.name) ?? 0) + r.bytes));

function makeBodies(buffers: PlanBuffer[]): Body[] {
  const bodies = new Map<string, Body>();
  const names = new Set<string>();
  for (const buffer of buffers) {
    const { name, first, last, align = 4, groupOffset = 0 } = buffer;
    const valid =
      !names.has(name) && buffer.bytes >= 0 && first <= last && align % 4 === 0 && align > 0;
    if (!valid || groupOffset % align !== 0) throw new Error(`arena buffer ${name} is malformed`);
    names.add(name);
    const key = buffer.group === undefined ? `buffer ${name}` : `group ${buffer.group}`;
    const body = bodies.get(key) ?? { rectangles: [], align: 4, extent: 0 };
    const bytes = alignUp(buffer.bytes, 4);
    body.rectangles.push({ name, start: groupOffset, bytes, first, last });
    body.align = Math.max(body.align, align);
    body.extent = Math.max(body.extent, groupOffset + bytes);
    bodies.set(key, body);
  }
  return [...bodies.values()];
}

const steps = (body: Body): number =>
  body.rectangles.reduce((sum, r) => Math.max(sum, r.last - r.first + 1), 0);
const firstStep = (body: Body): number => Math.min(...body.rectangles.map((r) => r.first));

/** Orders that tend to pack well: large first, long-lived first, and in order of time. */
function orders(bodies: Body[]): Body[][] {
  const by = (key: (body: Body) => number): Body[] =>
    [...bodies].sort((a, b) => key(b) - key(a) || b.extent - a.extent);
  return [
    by((body) => body.extent),
    by((body) => body.extent * steps(body)),
    by(steps),
    by((body) => -firstStep(body)),
    by(firstStep),
  ];
}

interface Placement {
  offsets: Map<string, number>;
  peak: number;
}

const overlapInTime = (a: Rectangle, b: Rectangle): boolean =>
  a.first <= b.last && b.first <= a.last;

/** Lowest base, at least `from`, where a body meets nothing that is placed. */
function lowestBase(body: Body, placed: Rectangle[], from = 0): number {
  const forbidden: { low: number; high: number }[] = [];
  for (const rectangle of body.rectangles) {
    for (const other of placed) {
      if (!overlapInTime(rectangle, other) || rectangle.bytes === 0 || other.bytes === 0) continue;
      const low = other.start - rectangle.start - rectangle.bytes;
      const high = other.start + other.bytes - rectangle.start;
      if (high > from) forbidden.push({ low, high });
    }
  }
  forbidden.sort((a, b) => a.low - b.low);
  let base = alignUp(from, body.align);
  for (const { low, high } of forbidden) {
    if (low >= base) break;
    if (high > base) base = alignUp(high, body.align);
  }
  return base;
}

const moved = (body: Body, base: number): Rectangle[] =>
  body.rectangles.map((r) => ({ ...r, start: r.start + base }));

function placeInOrder(order: Body[]): Placement {
  const placed: Rectangle[] = [];
  let peak = 0;
  for (const body of order) {
    const base = lowestBase(body, placed);
    peak = Math.max(peak, base + body.extent);
    placed.push(...moved(body, base));
  }
  return { peak, offsets: offsetsOf(placed) };
}

const offsetsOf = (placed: Rectangle[]): Map<string, number> =>
  new Map(placed.map((r) => [r.name, r.start]));

/** Depth first over orders of rising base, large bodies first, cut where the best is reached. */
function search(bodies: Body[], start: Placement, lowerBound: number): Placement {
  const sorted = [...bodies].sort((a, b) => b.extent - a.extent);
  let best = start;
  let left = SEARCH_STEPS;
  const visit = (rest: Body[], placed: Rectangle[], floor: number, peak: number): void => {
    if (rest.length === 0) {
      best = { peak, offsets: offsetsOf(placed) };
      return;
    }
    for (const body of rest) {
      if (left <= 0 || best.peak <= lowerBound) return;
      left -= 1;
      const base = lowestBase(body, placed, floor);
      const reached = Math.max(peak, base + body.extent);
      if (reached >= best.peak) continue;
      const others = rest.filter((other) => other !== body);
      visit(others, [...placed, ...moved(body, base)], base, reached);
    }
  };
  visit(sorted, [], 0, 0);
  return best;
}

export interface LiveBytes {
  step: number;
  bytes: number;
  names: string[];
}

/** Bytes alive in every step; overlapping members of a group count once. */
function liveBytes(bodies: Body[]): LiveBytes[] {
  const last = Math.max(-1, ...bodies.flatMap((body) => body.rectangles.map((r) => r.last)));
  return Array.from({ length: last + 1 }, (_, step) => {
    const alive = bodies.map((body) =>
      body.rectangles.filter((r) => r.first <= step && step <= r.last),
    );
    const bytes = alive.reduce((sum, rectangles) => sum + covered(rectangles), 0);
    return { step, bytes, names: alive.flat().map((r) => r.name) };
  });
}

function covered(rectangles: Rectangle[]): number {
  let total = 0;
  let end = -Infinity;
  for (const r of [...rectangles].sort((a, b) => a.start - b.start)) {
    total += Math.max(0, r.start + r.bytes - Math.max(end, r.start));
    end = Math.max(end, r.start + r.bytes);
  }
  return total;
}

/** The step with most bytes alive, and what lives then: what sets the peak. */
export function busiestStep(buffers: PlanBuffer[]): LiveBytes {
  const nothing: LiveBytes = { step: 0, bytes: 0, names: [] };
  return liveBytes(makeBodies(buffers)).reduce(
    (most, live) => (live.bytes > most.bytes ? live : most),
    nothing,
  );
}
