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
    const bases = new Int32Array(this.bodies.length);
    return this.visit(bases, new Uint8Array(this.pairs.length));
  }

  private visit(bases: Int32Array, choices: Uint8Array): boolean {
    if (this.best.peak <= this.bound) return true;
    if (this.nodes-- <= 0) return false;
    if (!this.propagate(bases, choices) || this.lowest(bases) >= this.best.peak) return true;
    const next = this.collision(bases, choices);
    if (next < 0) {
      this.keep(bases);
      return true;
    }
    const first = this.rise(bases, next, B_ABOVE) <= this.rise(bases, next, A_ABOVE);
    for (const choice of first ? [B_ABOVE, A_ABOVE] : [A_ABOVE, B_ABOVE]) {
      const chosen = choices.slice();
      chosen[next] = choice;
      if (!this.visit(bases.slice(), chosen)) return false;
    }
    return true;
  }

  private keep(bases: Int32Array): void {
    const peak = Math.max(0, ...this.bodies.map((body, i) => (bases[i] ?? 0) + body.extent));
    if (peak >= this.best.peak) return;
    this.best = { bases: new Map(this.bodies.map((body, i) => [body, bases[i] ?? 0])), peak };
  }

  /** Where a pair's upper body would have to be. */
  private above(bases: Int32Array, pair: Pair, choice: number): { body: number; base: number } {
    const { a, b, ab, ba } = pair;
    const [lower, body, distance] = choice === B_ABOVE ? [a, b, ab] : [b, a, ba];
    const align = this.bodies[body]?.align ?? 4;
    return { body, base: alignUp((bases[lower] ?? 0) + distance, align) };
  }

  /** How far a choice lifts the upper body. */
  private rise(bases: Int32Array, index: number, choice: number): number {
    const pair = this.pairs[index];
    if (pair === undefined) return 0;
    const { body, base } = this.above(bases, pair, choice);
    return base - (bases[body] ?? 0);
  }

  private fits({ body, base }: { body: number; base: number }): boolean {
    return base + (this.bodies[body]?.extent ?? 0) < this.best.peak;
  }

  /**
   * Raises bases to the least solution of the choices, and makes choices of which the other would
   * reach the best peak. False when there is no solution below that.
   */
  private propagate(bases: Int32Array, choices: Uint8Array): boolean {
    const queue = this.pairs.map((_, i) => i);
    const queued = new Uint8Array(this.pairs.length).fill(1);
    for (let index = queue.pop(); index !== undefined; index = queue.pop()) {
      queued[index] = 0;
      const pair = this.pairs[index];
      if (pair === undefined) continue;
      if (choices[index] === UNDECIDED) {
        const up = this.fits(this.above(bases, pair, B_ABOVE));
        const down = this.fits(this.above(bases, pair, A_ABOVE));
        if (!up && !down) return false;
        if (up && down) continue;
        choices[index] = up ? B_ABOVE : A_ABOVE;
      }
      const { body, base } = this.above(bases, pair, choices[index] ?? 0);
      if (base <= (bases[body] ?? 0)) continue;
      bases[body] = base;
      if (!this.fits({ body, base })) return false;
      for (const other of this.pairsOf[body] ?? []) {
        if (queued[other] === 1) continue;
        queued[other] = 1;
        queue.push(other);
      }
    }
    return true;
  }

  /** What lives in a step lies one on the other: from each base on, all that is not below it. */
  private lowest(bases: Int32Array): number {
    let most = 0;
    for (const { live, shared } of this.steps) {
      const sorted = live
        .map(({ body, start, bytes }) => ({ at: (bases[body] ?? 0) + start, bytes }))
        .sort((a, b) => b.at - a.at);
      let above = -shared;
      for (const { at, bytes } of sorted) {
        above += bytes;
        most = Math.max(most, at + above);
      }
    }
    return most;
  }

  /** The undecided pair that collides most, -1 if none does. */
  private collision(bases: Int32Array, choices: Uint8Array): number {
    let [worst, found] = [0, -1];
    this.pairs.forEach((_, i) => {
      if (choices[i] !== UNDECIDED) return;
      const depth = Math.min(this.rise(bases, i, B_ABOVE), this.rise(bases, i, A_ABOVE));
      if (depth > worst) [worst, found] = [depth, i];
    });
    return found;
  }
}

function pairsOf(instance: Instance, bodies: Body[]): Pair[] {
  const pairs: Pair[] = [];
  bodies.forEach((bodyA, a) => {
    bodies.slice(a + 1).forEach((bodyB, i) => {
      for (const ra of bodyA.rectangles) {
        for (const rb of bodyB.rectangles) {
          if (!overlapInTime(ra, rb)) continue;
          const ab = ra.start - rb.start + instance.distance(ra, rb);
          const ba = rb.start - ra.start + instance.distance(rb, ra);
          pairs.push({ a, b: a + 1 + i, ab, ba });
        }
      }
    });
  });
  return pairs;
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
