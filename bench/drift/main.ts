/**
 * Drift figures from real speech: how soon a new speaker is noticed, and how often a known one
 * raises an alarm. The detectors are the DeviceScript sources of src/lib/drift.ts, the signals are
 * what the engine says of every clip.
 *
 *     npx tsx bench/drift/main.ts [--data FOLDER] [--model PATTERN] [--json]
 */
import { writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { RetuneError } from '../../cli/error.ts';
import { dataPath } from '../../test/support/data.ts';
import { Random } from '../../test/support/random.ts';
import { listenToAll, MODELS } from './listen.ts';
import {
  SETTINGS,
  type Setting,
  type Delays,
  type FalseAlarms,
  measureDelays,
  measureFalseAlarms,
  median,
} from './measure.ts';
import { type ChangeStream, drawChange, KNOWN_WINDOWS } from './streams.ts';

interface Options {
  data?: string;
  model: string;
  streams: number;
  calm: number;
  windows: number;
  seed: number;
  json?: boolean;
  record?: string;
}

const WINDOWS_AFTER = 300;
/** Of them, those that a recorded stream keeps. */
const RECORDED_AFTER = 80;

async function main(options: Options): Promise<void> {
  const folder = options.data ?? dataPath('audio/fsdd');
  const listenings = await listenToAll(options.model, folder);
  const random = new Random(options.seed);
  const changes = Array.from({ length: options.streams }, () =>
    drawChange(listenings, WINDOWS_AFTER, random),
  );
  if (options.record !== undefined) record(options.record, changes[0] as ChangeStream);
  const calm = (setting: Setting, speakers: 'known' | 'stranger'): FalseAlarms => {
    const plan = { streams: options.calm, windows: options.windows, speakers };
    return measureFalseAlarms(setting, listenings, plan, new Random(options.seed + 1));
  };
  const rows = SETTINGS.map((setting) => ({
    setting,
    delays: measureDelays(setting, changes),
    known: calm(setting, 'known'),
    stranger: calm(setting, 'stranger'),
  }));
  const shown = rows.map(({ setting, delays, known, stranger }) => ({
    detector: setting.detector,
    signal: setting.signal,
    parameters: setting.parameters,
    ...summarise(delays, known, stranger),
  }));
  if (options.json === true) {
    for (const row of shown) console.log(JSON.stringify(row));
    return;
  }
  print(shown, options);
}

/** The margins of one stream as the test vector of test/src/drift.test.ts, in 1/256 nat. */
function record(file: string, { known, stranger, windows }: ChangeStream): void {
  const margins = windows
    .slice(0, KNOWN_WINDOWS + RECORDED_AFTER)
    .map(({ margin }) => margin * 256);
  const stream = { known, stranger, knownWindows: KNOWN_WINDOWS, margins };
  writeFileSync(file, `${JSON.stringify(stream)}\n`);
}

type Summary = ReturnType<typeof summarise>;

function summarise({ delays, early }: Delays, known: FalseAlarms, stranger: FalseAlarms) {
  const found = delays.filter(Number.isFinite);
  return {
    streams: delays.length + early,
    medianDelay: median(delays),
    longestDelay: Math.max(...delays),
    missed: delays.length - found.length,
    early,
    falseAlarms: known.alarms,
    calmStreams: known.streams,
    calmWindows: known.windows,
    falseAlarmsPer1000: per1000(known),
    unheardPer1000: per1000(stranger),
  };
}

const per1000 = ({ alarms, windows }: FalseAlarms): number => (1000 * alarms) / windows;

type Row = Summary & { detector: string; signal: string; parameters: string };

const COLUMNS: readonly [string, (row: Row) => string][] = [
  ['detector', (row) => row.detector],
  ['signal', (row) => row.signal],
  ['setting', (row) => row.parameters],
  ['median delay', (row) => String(row.medianDelay)],
  ['longest', (row) => (Number.isFinite(row.longestDelay) ? String(row.longestDelay) : '-')],
  ['missed', (row) => `${row.missed} of ${row.streams}`],
  ['early', (row) => `${row.early} of ${row.streams}`],
  ['false alarms', (row) => `${row.falseAlarms} in ${row.calmWindows}`],
  ['per 1,000', (row) => row.falseAlarmsPer1000.toFixed(3)],
  ['never heard', (row) => row.unheardPer1000.toFixed(3)],
];

/** A Markdown table, as docs/library.md shows it. */
function print(rows: readonly Row[], options: Options): void {
  const cells = [
    COLUMNS.map(([head]) => head),
    ...rows.map((row) => COLUMNS.map(([, of]) => of(row))),
  ];
  const widths = COLUMNS.map((_, i) => Math.max(...cells.map((line) => line[i]?.length ?? 0)));
  const lines = cells.map((line) => line.map((cell, i) => cell.padEnd(widths[i] ?? 0)));
  lines.splice(
    1,
    0,
    widths.map((width) => '-'.repeat(width)),
  );
  for (const line of lines) console.log(`| ${line.join(' | ')} |`);
  console.log(
    `\n${options.streams} streams: ${KNOWN_WINDOWS} windows of a known speaker, then ${WINDOWS_AFTER} of a new one. ` +
      `Delays count windows of the\nnew speaker up to the alarm. ` +
      `False alarms: every known speaker of every model, ${options.calm} streams of ${options.windows} windows each,\n` +
      `warm-ups not counted; clips come again after all have come. "never heard": the same per 1,000 windows\n` +
      `for streams of the one speaker alone that the model was not trained on.`,
  );
}

function integer(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) {
    throw new RetuneError(`'${text}' is not a number that can be used here; give 1 or more`);
  }
  return value;
}

const command = new Command('drift')
  .description('drift detection on real speech: delay and false alarms')
  .option('--data <folder>', 'recordings, NAME.s16 + NAME.csv a speaker')
  .option('--model <pattern>', 'model per speaker', MODELS)
  .option('--streams <n>', 'streams with a change of speaker', integer, 30)
  .option('--calm <n>', 'streams without a change, per model and known speaker', integer, 20)
  .option('--windows <n>', 'windows of a stream without a change', integer, 1050)
  .option('--seed <n>', 'seed of the streams', integer, 1)
  .option('--record <file>', 'write the first stream as a test vector')
  .option('--json', 'one object a line')
  .action(main);

try {
  await command.parseAsync();
} catch (error) {
  if (!(error instanceof RetuneError) && !(error instanceof Error)) throw error;
  console.error(`retune: ${error.message}`);
  process.exitCode = 1;
}
