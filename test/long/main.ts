/**
 * Days of virtual time with all that can go wrong:
 *
 *     npm run test:week -- [--days 7] [--seed 1] [--log FILE] [--json] [--write]
 */
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { RetuneError } from '../../cli/error.ts';
import { wholeNumber } from '../../cli/values.ts';
import { projectRoot } from '../support/data.ts';
import { type Summary, summaryMarkdown, summaryTable } from './summary.ts';
import { liveThrough } from './week.ts';

interface Options {
  days: number;
  seed: number;
  log?: string;
  json?: boolean;
  write?: boolean;
}

const DOCUMENT = join(projectRoot, 'docs', 'long-runs.md');
const BEGIN = '<!-- figures -->';
const END = '<!-- end of figures -->';

/** Puts the figures into the document. */
function writeDocument(command: string, summary: Summary): void {
  const text = readFileSync(DOCUMENT, 'utf8');
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) {
    throw new RetuneError(`${DOCUMENT}: the lines ${BEGIN} and ${END} are missing; add them`);
  }
  const figures = `${BEGIN}\n\n\`${command}\`\n\n${summaryMarkdown(summary)}\n\n`;
  writeFileSync(DOCUMENT, text.slice(0, begin) + figures + text.slice(end));
}

new Command('test:week')
  .option('--days <days>', 'virtual days', wholeNumber(1, 365), 7)
  .option('--seed <seed>', 'of everything random', wholeNumber(0, 0x7fffffff), 1)
  .option('--log <file>', 'where the log goes, one JSON object a line')
  .option('--json', 'the summary as JSON')
  .option('--write', 'puts the figures into docs/long-runs.md')
  .action(async ({ days, seed, log, json, write }: Options) => {
    const file = log === undefined ? undefined : openSync(log, 'w');
    const summary = await liveThrough({
      days,
      seed,
      onLog: (entry) => {
        if (file !== undefined) writeSync(file, `${JSON.stringify(entry)}\n`);
      },
    });
    if (file !== undefined) closeSync(file);
    if (write === true) {
      writeDocument(`npm run test:week -- --days ${days} --seed ${seed}`, summary);
    }
    const cpu = Math.round(process.cpuUsage().user / 1e6);
    if (json === true) console.log(JSON.stringify({ seed, ...summary }));
    else console.log(`seed ${seed}, ${cpu} s of processor time\n${summaryTable(summary)}`);
    process.exitCode = summary.broken.length === 0 ? 0 : 1;
  })
  .parse();
