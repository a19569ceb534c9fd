/**
 * The arena planner: buffers with sizes and lifetimes on a timeline of steps get offsets so that no
 * two that live at the same time overlap, with a small peak.
 *
 * Buffers of one group form a rigid body: each lies at its offset from the group's base, and they
 * may overlap each other (that is what groups are for). Two buffers may also be allowed to overlap
 * in part: an overlay says how far above the base of one the other may begin, though both live
 * (overlap.ts: a layer's output over the rows of its input that have been read).
 *
 * Bodies are placed one by one at the lowest free offset, in several orders, each improved by
 * bringing forward what reaches the peak. If the best peak is above the lower bound, a search with
 * branch and bound (arena-search.ts) finds a better plan or proves that there is none, unless its
 * budget of nodes is spent first. Everything is deterministic.
 */
import { search } from './arena-search.ts';

export interface PlanBuffer {
  name: string;
  bytes: number;
  /** First and last step in which the buffer holds something. */
  first: number;
  last: number;
  /** How much of it, from its beginning, is used when; all of it all the time where not given. */
  phases?: Phase[];
  /** A multiple of 4; 4 where not given. */
  align?: number;
  group?: string;
  groupOffset?: number;
  /** For the report. */
  kind?: string;
}

export interface Phase {
  first: number;
  last: number;
  bytes: number;
}

/** What a buffer takes, and when. */
export const phasesOf = (buffer: PlanBuffer): Phase[] => buffer.phases ?? [buffer];

/** `upper` may begin `distance` bytes above the base of `lower`, or anywhere apart from it. */
export interface Overlay {
  lower: string;
  upper: string;
  distance: number;
}

export interface PlanOptions {
  overlays?: Overlay[];
  /** Nodes of the search; 20,000 where not given. */
  nodes?: number;
}

export interface ArenaPlan {
  offsets: Map<string, number>;
  /** Bytes of the whole arena, a multiple of 4. */
  peak: number;
  /** Proved: no plan can be smaller. The peak itself where the plan is the optimum. */
  lowerBound: number;
  /** Most bytes alive in one step. */
  liveBytes: number;
}

export interface Rectangle {
  name: string;
  start: number;
  bytes: number;
  first: number;
  last: number;
}

/** A buffer, or a group of them that moves as one. Rectangles start relative to the body. */
export interface Body {
  rectangles: Rectangle[];
  align: number;
  extent: number;
}

export interface Placement {
  /** Of bodies. */
  bases: Map<Body, number>;
  peak: number;
}

const SEARCH_NODES = 20_000;
const PROMOTIONS = 20;
const WORD = 4;
export const alignUp = (value: number, align: number): number => Math.ceil(value / align) * align;

/** Plans of this process: the same model is often compiled again. */
const known = new Map<string, ArenaPlan>();
const KNOWN_PLANS = 64;

/** Places buffers. Throws for buffers that are malformed; that is a defect of the caller. */
export function planArena(buffers: PlanBuffer[], options: PlanOptions = {}): ArenaPlan {
  const { overlays = [], nodes = SEARCH_NODES } = options;
  const key = JSON.stringify([buffers, overlays, nodes]);
  const plan = known.get(key) ?? computePlan(buffers, overlays, nodes);
  if (known.size >= KNOWN_PLANS) known.clear();
  known.set(key, plan);
  return { ...plan, offsets: new Map(plan.offsets) };
}

function computePlan(buffers: PlanBuffer[], overlays: Overlay[], nodes: number): ArenaPlan {
  const instance = new Instance(makeBodies(buffers), overlays);
  const live = instance.liveBytes().reduce((most, { bytes }) => Math.max(most, bytes), 0);
  const { lasting, rest } = apartFromLasting(instance);
  const below = lasting.reduce((sum, body) => sum + body.extent, 0);
  const bound = live - below;
  let best: Placement = { bases: new Map(), peak: Infinity };
  for (const order of orders(rest)) best = promote(instance, order, best, bound);
  const found = search(instance, rest, best, bound, nodes);
  const offsets = new Map<string, number>();
  const place = (body: Body, base: number): void => {
    for (const r of body.rectangles) offsets.set(r.name, base + r.start);
  };
  for (const [body, base] of found.placement.bases) place(body, base);
  let peak = found.placement.peak;
  for (const body of lasting) {
    place(body, peak);
    peak += body.extent;
  }
  return { offsets, peak, lowerBound: found.lowerBound + below, liveBytes: live };
}

/** Bodies and which of them may overlap how. */
export class Instance {
  private readonly distances = new Map<string, number>();

  constructor(
    readonly bodies: Body[],
    private readonly overlays: Overlay[],
  ) {
    for (const { lower, upper, distance } of overlays) {
      this.distances.set(`${lower}\n${upper}`, alignUp(distance, WORD));
    }
  }

  /** How far above the base of `lower` the base of `upper` must be, if it is not to be below. */
  distance(lower: Rectangle, upper: Rectangle): number {
    const overlay = this.distances.get(`${lower.name}\n${upper.name}`) ?? Infinity;
    return Math.min(lower.bytes, overlay);
  }

  isOverlaid({ name }: Rectangle): boolean {
    return this.overlays.some(({ lower, upper }) => name === lower || name === upper);
  }

  /** Bytes that must be there in every step; overlapping members of a group count once. */
  liveBytes(): LiveBytes[] {
    const last = Math.max(-1, ...this.bodies.flatMap((b) => b.rectangles.map((r) => r.last)));
    return Array.from({ length: last + 1 }, (_, step) => {
      const alive = this.bodies.map((body) =>
        body.rectangles.filter((r) => r.first <= step && step <= r.last),
      );
      const bytes = alive.reduce((sum, rectangles) => sum + covered(rectangles), 0);
      const names = [...new Set(alive.flat().map((r) => r.name))];
      return { step, bytes: bytes - this.shared(alive.flat()), names };
    });
  }

  /** What overlays can save among rectangles that live together. */
  shared(alive: Rectangle[]): number {
    return this.overlays.reduce((sum, { lower, upper }) => {
      const below = alive.find(({ name }) => name === lower);
      const above = alive.find(({ name }) => name === upper);
      if (below === undefined || above === undefined) return sum;
      const together = Math.max(below.bytes, this.distance(below, above) + above.bytes);
      return sum + below.bytes + above.bytes - together;
    }, 0);
  }
}

function makeBodies(buffers: PlanBuffer[]): Body[] {
  const bodies = new Map<string, Body>();
  const names = new Set<string>();
  for (const buffer of buffers) {
    const { name, first, last, align = WORD, groupOffset = 0 } = buffer;
    const within = (p: Phase): boolean =>
      p.bytes >= 0 && p.bytes <= buffer.bytes && first <= p.first && p.last <= last;
    const valid =
      !names.has(name) &&
      first <= last &&
      align % WORD === 0 &&
      align > 0 &&
      phasesOf(buffer).every((phase) => phase.first <= phase.last && within(phase));
    if (!valid || groupOffset % align !== 0) throw new Error(`arena buffer ${name} is malformed`);
    names.add(name);
    const key = buffer.group === undefined ? `buffer ${name}` : `group ${buffer.group}`;
    const body = bodies.get(key) ?? { rectangles: [], align: WORD, extent: 0 };
    for (const phase of phasesOf(buffer)) {
      const bytes = alignUp(phase.bytes, WORD);
      const { first: from, last: to } = phase;
      body.rectangles.push({ name, start: groupOffset, bytes, first: from, last: to });
    }
    body.align = Math.max(body.align, align);
    body.extent = Math.max(body.extent, groupOffset + alignUp(buffer.bytes, WORD));
    bodies.set(key, body);
  }
  return [...bodies.values()];
}

/**
 * What lives in every step divides the addresses: whatever lies above it can move below it. So it
 * may as well lie on top of everything else, and the search need not look at it. That holds as long
 * as no group lies on both sides of something, and moving keeps alignments.
 */
function apartFromLasting(instance: Instance): { lasting: Body[]; rest: Body[] } {
  const { bodies } = instance;
  const all = bodies.flatMap((body) => body.rectangles);
  const first = Math.min(...all.map((r) => r.first));
  const last = Math.max(...all.map((r) => r.last));
  const simple = bodies.every((body) => body.align === WORD && !hasHole(body));
  const lasts = ({ rectangles: [r, ...more] }: Body): boolean =>
    simple &&
    r !== undefined &&
    more.length === 0 &&
    r.first === first &&
    r.last === last &&
    !instance.isOverlaid(r);
  return { lasting: bodies.filter(lasts), rest: bodies.filter((body) => !lasts(body)) };
}

const hasHole = (body: Body): boolean => covered(body.rectangles) < body.extent;

/** Places in this order, then again and again with what reached the peak brought forward. */
function promote(instance: Instance, start: Body[], best: Placement, bound: number): Placement {
  let order = start;
  for (let round = 0; round < PROMOTIONS && best.peak > bound; round++) {
    const placement = placeInOrder(instance, order);
    if (placement.peak < best.peak) best = placement;
    const top = order.findIndex(
      (body) => (placement.bases.get(body) ?? 0) + body.extent === placement.peak,
    );
    const body = order[top];
    if (top < 1 || body === undefined) break;
    const rest = order.filter((other) => other !== body);
    const place = Math.floor(top / 2);
    order = [...rest.slice(0, place), body, ...rest.slice(place)];
  }
  return best;
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

export const overlapInTime = (a: Rectangle, b: Rectangle): boolean =>
  a.first <= b.last && b.first <= a.last && a.bytes > 0 && b.bytes > 0;

/** Lowest base where a body meets nothing that is placed. */
function lowestBase(instance: Instance, body: Body, placed: Rectangle[]): number {
  const forbidden: { low: number; high: number }[] = [];
  for (const rectangle of body.rectangles) {
    for (const other of placed) {
      if (!overlapInTime(rectangle, other)) continue;
      const at = other.start - rectangle.start;
      const low = at - instance.distance(rectangle, other);
      const high = at + instance.distance(other, rectangle);
      if (high > 0) forbidden.push({ low, high });
    }
  }
  forbidden.sort((a, b) => a.low - b.low);
  let base = 0;
  for (const { low, high } of forbidden) {
    if (low >= base) break;
    if (high > base) base = alignUp(high, body.align);
  }
  return base;
}

function placeInOrder(instance: Instance, order: Body[]): Placement {
  const placed: Rectangle[] = [];
  const bases = new Map<Body, number>();
  let peak = 0;
  for (const body of order) {
    const base = lowestBase(instance, body, placed);
    bases.set(body, base);
    peak = Math.max(peak, base + body.extent);
    placed.push(...body.rectangles.map((r) => ({ ...r, start: r.start + base })));
  }
  return { peak, bases };
}

export interface LiveBytes {
  step: number;
  bytes: number;
  names: string[];
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
export function busiestStep(buffers: PlanBuffer[], overlays: Overlay[] = []): LiveBytes {
  const nothing: LiveBytes = { step: 0, bytes: 0, names: [] };
  return new Instance(makeBodies(buffers), overlays)
    .liveBytes()
    .reduce((most, live) => (live.bytes > most.bytes ? live : most), nothing);
}
