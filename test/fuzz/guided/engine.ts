/**
 * A small fuzzer guided by coverage: keeps every input that reaches a branch, or a number of times
 * through one, that no input before did, and changes those it has kept. The same seed and number of
 * runs give the same inputs.
 */
import { damaged, damagedText } from '../mutate.ts';
import type { Random } from '../../support/random.ts';

/** What hooks.mjs keeps. */
interface Branches {
  counts: Uint8Array;
  modules: { name: string; first: number; lines: number[] }[];
}

declare global {
  var retuneBranches: Branches;
}

export interface GuidedTarget {
  name: string;
  /** For the table: what is fed. */
  input: string;
  /** Files whose branches are told: those that this input is for. */
  files: RegExp;
  isText: boolean;
  runs: number;
  seeds: () => Uint8Array[];
  /** One input: returns whether it was accepted; throws on a finding. */
  run: (bytes: Uint8Array) => boolean;
}

export interface Finding {
  input: Uint8Array;
  text: string;
}

export interface Outcome {
  runs: number;
  accepted: number;
  branches: number;
  branchCount: number;
  findings: Finding[];
  /** Inputs that were kept, those that began it included. */
  kept: Uint8Array[];
}

const LONGEST_BYTES = 8192;
/** Findings at one place are one defect. */
const MOST_FINDINGS = 5;

/** How often, in classes: 1, 2, 3, 4 to 7, 8 to 15, 16 to 31, 32 to 127, more. */
const CLASSES = Uint8Array.from({ length: 256 }, (_, n) => {
  if (n < 4) return n === 0 ? 0 : 1 << (n - 1);
  if (n < 8) return 8;
  if (n < 16) return 16;
  if (n < 32) return 32;
  return n < 128 ? 64 : 128;
});

/** Takes over what a run reached; returns whether anything of it is new. */
function merge(seen: Uint8Array, counts: Uint8Array): boolean {
  let isNew = false;
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i] as number;
    if (count === 0) continue;
    const bit = CLASSES[count] as number;
    const before = seen[i] as number;
    if ((before & bit) !== 0) continue;
    seen[i] = before | bit;
    isNew = true;
  }
  return isNew;
}

const place = (error: unknown): string =>
  String((error as Error).stack ?? error)
    .split('\n')
    .filter((line) => line.includes('file://'))
    .slice(0, 2)
    .join();

function spliced(random: Random, a: Uint8Array, b: Uint8Array): Uint8Array {
  const [from, to] = [random.below(a.length + 1), random.below(b.length + 1)];
  return Uint8Array.from([...a.subarray(0, from), ...b.subarray(to)]);
}

function changed(random: Random, kept: Uint8Array[], isText: boolean): Uint8Array {
  // the newest are often nearest to something new
  const recent = kept.slice(-8);
  const input = random.pick(random.oneIn(3) ? recent : kept);
  if (random.oneIn(8)) return spliced(random, input, random.pick(kept));
  if (!isText || random.oneIn(6)) return damaged(random, input);
  return Buffer.from(damagedText(random, Buffer.from(input).toString('utf8')));
}

class Session {
  readonly kept: Uint8Array[] = [];
  readonly findings: Finding[] = [];
  runs = 0;
  accepted = 0;
  private readonly seen: Uint8Array;
  private readonly places = new Set<string>();
  private readonly counts = globalThis.retuneBranches.counts;

  constructor(private readonly target: GuidedTarget) {
    this.seen = new Uint8Array(this.counts.length);
  }

  try(input: Uint8Array): void {
    this.runs++;
    this.counts.fill(0);
    try {
      if (this.target.run(input)) this.accepted++;
    } catch (error) {
      this.report(input, error);
    }
    if (merge(this.seen, this.counts)) this.kept.push(input);
  }

  /** Branches of the target's files: how many were reached, how many there are. */
  branches(): [number, number] {
    let [reached, all] = [0, 0];
    for (const { name, first, lines } of globalThis.retuneBranches.modules) {
      if (!this.target.files.test(name)) continue;
      all += lines.length;
      reached += lines.filter((_, i) => this.seen[first + i] !== 0).length;
    }
    return [reached, all];
  }

  private report(input: Uint8Array, error: unknown): void {
    const where = place(error);
    if (this.places.has(where) || this.findings.length === MOST_FINDINGS) return;
    this.places.add(where);
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.findings.push({ input, text });
  }
}

export interface Length {
  runs: number;
  /** Instead of `runs`, when given. */
  seconds?: number;
}

export function fuzzGuided(
  target: GuidedTarget,
  corpus: Uint8Array[],
  random: Random,
  { runs, seconds }: Length,
): Outcome {
  const session = new Session(target);
  for (const input of [...target.seeds(), ...corpus]) session.try(input);
  const end = seconds === undefined ? Infinity : Date.now() + 1000 * seconds;
  const limit = seconds === undefined ? runs : Infinity;
  while (session.runs < limit && Date.now() < end) {
    session.try(changed(random, session.kept, target.isText).subarray(0, LONGEST_BYTES));
  }
  const [branches, branchCount] = session.branches();
  const { accepted, findings, kept } = session;
  return { runs: session.runs, accepted, branches, branchCount, findings, kept };
}
