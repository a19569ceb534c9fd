/**
 * Days of virtual time with all that can go wrong:
 *
 *     npm run test:week -- [--days 7] [--seed 1] [--log FILE] [--json]
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { Command } from 'commander';
import { wholeNumber } from '../../cli/values.ts';
import { summaryTable } from './summary.ts';
import { liveThrough } from './week.ts';

interface Options {
  days: number;
  seed: number;
  log?: string;
  json?: boolean;
}

new Command('test:week')
  .option('--days <days>', 'virtual days', wholeNumber(1, 365), 7)
  .option('--seed <seed>', 'of everything random', wholeNumber(0, 0x7fffffff), 1)
  .option('--log <file>', 'where the log goes, one JSON object a line')
  .option('--json', 'the summary as JSON')
  .action(async ({ days, seed, log, json }: Options) => {
    const file = log === undefined ? undefined : openSync(log, 'w');
    const summary = await liveThrough({
      days,
      seed,
      onLog: (entry) => {
        if (file !== undefined) writeSync(file, `${JSON.stringify(entry)}\n`);
      },
    });
    if (file !== undefined) closeSync(file);
    const cpu = Math.round(process.cpuUsage().user / 1e6);
    if (json === true) console.log(JSON.stringify({ seed, ...summary }));
    else console.log(`seed ${seed}, ${cpu} s of processor time\n${summaryTable(summary)}`);
    process.exitCode = summary.broken.length === 0 ? 0 : 1;
  })
  .parse();
