/**
 * The exact part of the arena planner. Two buffers that live at the same time lie one above the
 * other: every such pair is a choice. A set of choices is a system of difference constraints
 * (base of b >= base of a + distance), whose least solution is found by propagation; it is the
 * smallest that any plan with those choices can have. So the search branches on one pair whose
 * places in the least solution collide, and gives up a branch whose least solution, or a bound for
 * what is still undecided, reaches the best peak known. When no branch is left the best plan is the
 * optimum.
 */
import { alignUp, overlapInTime, type Body, type Instance, type Placement } from './arena.ts';

export interface SearchResult {
  placement: Placement;
  /** No plan of these bodies can be smaller. */
  lowerBound: number;
}

/** Two rectangles of different bodies that live together: `ab` is how far b's base must be above
 * a's if b is the upper one, `ba` the other way round. */
interface Pair {
  a: number;
  b: number;
  ab: number;
  ba: number;
}

interface Asked {
  upper: number;
  base: number;
  lower: number;
  top: number;
}

/** A branch: for each body the least base, and the least distance from it to the arena's end. */
interface Node {
  bases: Int32Array;
  tops: Int32Array;
  choices: Uint8Array;
}

/** Rectangles alive in a step, as (body, start, bytes), and what overlays may save among them. */
interface Step {
  live: { body: number; start: number; bytes: number }[];
  shared: number;
}

const UNDECIDED = 0;
const B_ABOVE = 1;
const A_ABOVE = 2;

/** Looks for a better placement than `start`; `bound` is known to be a lower bound. */
export function search(
  instance: Instance,
  bodies: Body[],
  start: Placement,
  bound: number,
  nodes: number,
): SearchResult {
  if (start.peak <= bound) return { placement: start, lowerBound: start.peak };
  const searcher = new Searcher(instance, bodies, start, bound, nodes);
  const finished = searcher.run();
  return {
    placement: searcher.best,
    lowerBound: finished ? searcher.best.peak : bound,
  };
}

class Searcher {
  best: Placement;
  private readonly pairs: Pair[];
  private readonly steps: Step[];
  /** Of pairs that have body i as a or b. */
  private readonly pairsOf: number[][];

  constructor(
    instance: Instance,
    private readonly bodies: Body[],
    start: Placement,
    private readonly bound: number,
    private nodes: number,
  ) {
    this.best = start;
    this.pairs = pairsOf(instance, bodies);
    this.steps = stepsOf(instance, bodies);
    this.pairsOf = bodies.map((_, body) =>
      this.pairs.flatMap((pair, i) => (pair.a === body || pair.b === body ? [i] : [])),
    );
  }

  /** False when the budget is spent before all is decided. */
  run(): boolean {
    const node = {
      bases: new Int32Array(this.bodies.length),
      tops: Int32Array.from(this.bodies, ({ extent }) => extent),
      choices: new Uint8Array(this.pairs.length),
    };
    return this.visit(
      node,
      this.pairs.map((_, i) => i),
    );
  }

  /** `changed`: pairs to look at, of which a choice was made. */
  private visit(node: Node, changed: number[]): boolean {
    if (this.best.peak <= this.bound) return true;
    if (this.nodes-- <= 0) return false;
    if (!this.propagate(node, changed) || this.lowest(node) >= this.best.peak) return true;
    const next = this.collision(node);
    if (next < 0) {
      this.keep(node);
      return true;
    }
    const first = this.rise(node, next, B_ABOVE) <= this.rise(node, next, A_ABOVE);
    for (const choice of first ? [B_ABOVE, A_ABOVE] : [A_ABOVE, B_ABOVE]) {
      const choices = node.choices.slice();
      choices[next] = choice;
      const branch = { bases: node.bases.slice(), tops: node.tops.slice(), choices };
      if (!this.visit(branch, [next])) return false;
    }
    return true;
  }

  private keep({ bases }: Node): void {
    const peak = Math.max(0, ...this.bodies.map((body, i) => (bases[i] ?? 0) + body.extent));
    if (peak >= this.best.peak) return;
    this.best = { bases: new Map(this.bodies.map((body, i) => [body, bases[i] ?? 0])), peak };
  }

  /** What a choice asks for: the base of the upper body, the top of the lower one. */
  private asked({ bases, tops }: Node, pair: Pair, choice: number): Asked {
    const { a, b, ab, ba } = pair;
    const [lower, upper, distance] = choice === B_ABOVE ? [a, b, ab] : [b, a, ba];
    const align = this.bodies[upper]?.align ?? 4;
    const base = alignUp((bases[lower] ?? 0) + distance, align);
    return { upper, base, lower, top: (tops[upper] ?? 0) + distance };
  }

  /** How far a choice lifts the upper body. */
  private rise(node: Node, index: number, choice: number): number {
    const pair = this.pairs[index];
    if (pair === undefined) return 0;
    const { upper, base } = this.asked(node, pair, choice);
    return base - (node.bases[upper] ?? 0);
  }

  private fits({ tops }: Node, { upper, base }: Asked): boolean {
    return base + (tops[upper] ?? 0) < this.best.peak;
  }

  /**
   * Raises bases and tops to the least solution of the choices, and makes choices of which the other
   * would reach the best peak. False when there is no solution below that.
   */
  private propagate(node: Node, queue: number[]): boolean {
    const { bases, tops, choices } = node;
    const queued = new Uint8Array(this.pairs.length);
    for (const index of queue) queued[index] = 1;
    const look = (body: number): void => {
      for (const other of this.pairsOf[body] ?? []) {
        if (queued[other] === 1) continue;
        queued[other] = 1;
        queue.push(other);
      }
    };
    for (let index = queue.pop(); index !== undefined; index = queue.pop()) {
      queued[index] = 0;
      const pair = this.pairs[index];
      if (pair === undefined) continue;
      if (choices[index] === UNDECIDED) {
        const up = this.fits(node, this.asked(node, pair, B_ABOVE));
        const down = this.fits(node, this.asked(node, pair, A_ABOVE));
        if (!up && !down) return false;
        if (up && down) continue;
        choices[index] = up ? B_ABOVE : A_ABOVE;
      }
      const asked = this.asked(node, pair, choices[index] ?? 0);
      if (!this.fits(node, asked)) return false;
      const { upper, base, lower, top } = asked;
      if (base > (bases[upper] ?? 0)) {
        bases[upper] = base;
        look(upper);
      }
      if (top > (tops[lower] ?? 0)) {
        tops[lower] = top;
        look(lower);
      }
    }
    return true;
  }

  /** What lives in a step lies one on the other: from each base on, all that is not below it, and
   * above it the least that is above any of that. */
  private lowest({ bases, tops }: Node): number {
    let most = 0;
    for (const { live, shared } of this.steps) {
      const sorted = live
        .map(({ body, start, bytes }) => ({
          at: (bases[body] ?? 0) + start,
          bytes,
          above: (tops[body] ?? 0) - start - bytes,
        }))
        .sort((a, b) => b.at - a.at);
      let sum = -shared;
      let least = Infinity;
      for (const { at, bytes, above } of sorted) {
        sum += bytes;
        least = Math.min(least, above);
        most = Math.max(most, at + sum + least);
      }
    }
    return most;
  }

  /** The undecided pair that collides and of which both choices cost most, -1 if none collides. */
  private collision(node: Node): number {
    let [most, found] = [0, -1];
    this.pairs.forEach(({ a, b }, i) => {
      if (node.choices[i] !== UNDECIDED) return;
      const [up, down] = [this.rise(node, i, B_ABOVE), this.rise(node, i, A_ABOVE)];
      if (up <= 0 || down <= 0) return;
      const peaks = [up + this.reach(node, b), down + this.reach(node, a)];
      const cost = Math.min(...peaks) + Math.max(...peaks) / 2;
      if (cost > most) [most, found] = [cost, i];
    });
    return found;
  }

  /** Where the arena ends at least, by a body and what must lie above it. */
  private reach({ bases, tops }: Node, body: number): number {
    return (bases[body] ?? 0) + (tops[body] ?? 0);
  }
}

function pairsOf(instance: Instance, bodies: Body[]): Pair[] {
  return bodies.flatMap((bodyA, a) =>
    bodies.slice(a + 1).flatMap((bodyB, i) => {
      const pairs: Pair[] = [];
      for (const ra of bodyA.rectangles) {
        for (const rb of bodyB.rectangles) {
          if (!overlapInTime(ra, rb)) continue;
          const ab = ra.start - rb.start + instance.distance(ra, rb);
          const ba = rb.start - ra.start + instance.distance(rb, ra);
          pairs.push({ a, b: a + 1 + i, ab, ba });
        }
      }
      return withoutImplied(pairs);
    }),
  );
}

/** Of the pairs of two bodies those that ask for more than another in one direction at least. */
function withoutImplied(pairs: Pair[]): Pair[] {
  return pairs.filter(
    ({ ab, ba }, i) =>
      !pairs.some(
        (other, k) => other.ab >= ab && other.ba >= ba && (other.ab > ab || other.ba > ba || k < i),
      ),
  );
}

function stepsOf(instance: Instance, bodies: Body[]): Step[] {
  const all = bodies.flatMap((body) => body.rectangles);
  const starts = [...new Set(all.map((r) => r.first))];
  // Between two beginnings rectangles only end, so the steps in which one begins are the fullest.
  return starts.map((step) => {
    const alive = (r: (typeof all)[number]): boolean => r.first <= step && step <= r.last;
    const live = bodies.flatMap((body, i) => {
      const rectangles = body.rectangles.filter(alive).sort((a, b) => a.start - b.start);
      return solid(rectangles).map(({ start, bytes }) => ({ body: i, start, bytes }));
    });
    return { live, shared: instance.shared(all.filter(alive)) };
  });
}

/** Rectangles of one body by address, without what they cover of each other. */
function solid(rectangles: { start: number; bytes: number }[]): { start: number; bytes: number }[] {
  let end = -Infinity;
  return rectangles.flatMap(({ start, bytes }) => {
    const from = Math.max(start, end);
    const to = start + bytes;
    end = Math.max(end, to);
    return to > from ? [{ start: from, bytes: to - from }] : [];
  });
}
