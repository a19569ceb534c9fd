/** What a long run comes to. */
import Table from 'cli-table3';

/** A line of the log; `t` in seconds of virtual time. */
export interface LogEntry {
  t: number;
  event: string;
  [detail: string]: unknown;
}

/** Windows that the board classified. */
export interface Counts {
  windows: number;
  right: number;
  /** Nobody spoke. */
  nobody: number;
}

export interface Summary {
  days: number;
  boots: number;
  cuts: { anywhere: number; inBurst: number; inFlash: number; inTransfer: number; flat: number };
  /** Adapters that came from outside. */
  deltas: {
    installed: number;
    refused: number;
    interrupted: number;
    resumed: number;
    kept: number;
    reverted: number;
  };
  faults: number;
  healthy: Counts;
  /** Of them, those that were heard with an adapter that had been saved. */
  adapted: Counts;
  /** While the microphone was broken. */
  faulty: Counts;
  drifts: number;
  bursts: number;
  undone: number;
  saves: number;
  failedSaves: number;
  loads: number;
  /** Bits changed in the newest adapter, and times that the store was filled. */
  flips: number;
  fills: number;
  /** Records in the store at most (but while it was full), and erases of a sector. */
  store: { records: number; leastErases: number; mostErases: number; commits: number };
  /** Words that were kept for training, and those of a broken microphone among them. */
  remembered: number;
  rememberedFaulty: number;
  /** Lines that the firmware printed as error or warning. */
  complaints: number;
  /** Bytes that the script holds on to: smallest and largest of the hours of one power cycle. */
  heap: { least: number; most: number; growth: number };
  /** Accuracy on the owner's held-out words. */
  heldOutWords: number;
  accuracy: { base: number; least: number; most: number; last: number };
  /** What must not happen, and did. */
  broken: string[];
}

export function emptySummary(): Summary {
  const counts = (): Counts => ({ windows: 0, right: 0, nobody: 0 });
  return {
    days: 0,
    boots: 0,
    cuts: { anywhere: 0, inBurst: 0, inFlash: 0, inTransfer: 0, flat: 0 },
    deltas: { installed: 0, refused: 0, interrupted: 0, resumed: 0, kept: 0, reverted: 0 },
    faults: 0,
    healthy: counts(),
    adapted: counts(),
    faulty: counts(),
    drifts: 0,
    bursts: 0,
    undone: 0,
    saves: 0,
    failedSaves: 0,
    loads: 0,
    flips: 0,
    fills: 0,
    store: { records: 0, leastErases: 0, mostErases: 0, commits: 0 },
    remembered: 0,
    rememberedFaulty: 0,
    complaints: 0,
    heap: { least: Infinity, most: 0, growth: 0 },
    heldOutWords: 0,
    accuracy: { base: 0, least: 1, most: 0, last: 0 },
    broken: [],
  };
}

/** What a run came to, as pairs of what and how much. */
function rows(summary: Summary): [string, string][] {
  const { cuts, healthy, faulty, accuracy, heap, store, deltas } = summary;
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  return [
    ['virtual time', `${summary.days} days, ${summary.boots} boots`],
    [
      'power cuts',
      `${cuts.anywhere} anywhere, ${cuts.inBurst} in a burst, ${cuts.inFlash} in a flash operation, ${cuts.inTransfer} in a transfer; the battery was flat ${cuts.flat} times`,
    ],
    [
      'deltas',
      `${deltas.installed} installed, ${deltas.refused} refused, ${deltas.interrupted} interrupted, ${deltas.resumed} gone on with; ${deltas.kept} kept after a trial, ${deltas.reverted} taken back`,
    ],
    ['microphone faults', String(summary.faults)],
    [
      'windows, sound microphone',
      `${healthy.windows}: ${healthy.right} right, ${healthy.nobody} without a word`,
    ],
    [
      'windows, broken microphone',
      `${faulty.windows}: ${faulty.right} right, ${faulty.nobody} without a word`,
    ],
    ['drifts noticed', String(summary.drifts)],
    ['bursts', `${summary.bursts}, ${summary.undone} rolled back`],
    ['saves', `${summary.saves}, ${summary.failedSaves} refused`],
    ['loads after a boot', String(summary.loads)],
    ['bits flipped in the newest adapter', String(summary.flips)],
    ['store filled to the last record', `${summary.fills} times`],
    [
      'store',
      `${store.records} records at most, ${store.commits} commits, ${store.leastErases} to ${store.mostErases} erases of a sector`,
    ],
    [
      'words kept for training',
      `${summary.remembered}, ${summary.rememberedFaulty} from a broken microphone`,
    ],
    ['errors and warnings of the firmware', String(summary.complaints)],
    ['script heap', `${heap.least} to ${heap.most} bytes, growth ${heap.growth}`],
    [
      `owner's ${summary.heldOutWords} held-out words`,
      `${percent(accuracy.base)} before the first adaptation, then ${percent(accuracy.least)} to ${percent(accuracy.most)}, at the end ${percent(accuracy.last)}`,
    ],
    ['broken promises', summary.broken.length === 0 ? 'none' : summary.broken.join('; ')],
  ];
}

export function summaryTable(summary: Summary): string {
  const table = new Table({ style: { head: [] } });
  table.push(...rows(summary));
  return table.toString();
}

/** The same for a document. */
export function summaryMarkdown(summary: Summary): string {
  const lines = rows(summary).map(([what, much]) => `| ${what} | ${much} |`);
  return ['| what | how much |', '| --- | --- |', ...lines].join('\n');
}
