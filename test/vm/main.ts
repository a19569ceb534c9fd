/**
 * The differential suite from the terminal:
 *
 *     tsx test/vm/main.ts show [NAME…]     runs on the official VM and prints
 *     tsx test/vm/main.ts record [NAME…]   runs on the official VM and keeps what it printed
 *     tsx test/vm/main.ts check [NAME…]    runs on the official VM and compares with what is kept
 */
import {
  firstDifference,
  formatRun,
  goldenOf,
  imageOf,
  programNames,
  writeGolden,
} from './corpus.ts';
import { runOfficial } from './official.ts';

async function run(verb: string, name: string): Promise<boolean> {
  let text: string;
  try {
    text = formatRun(await runOfficial(imageOf(name)));
  } catch (error) {
    console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
  if (verb === 'show') console.log(`${name}\n${text}`);
  if (verb === 'record') writeGolden(name, text);
  if (verb !== 'check') return true;
  const difference = firstDifference(goldenOf(name) ?? '', text);
  if (difference !== undefined) console.error(`${name}: ${difference}`);
  return difference === undefined;
}

const [verb = '', ...names] = process.argv.slice(2);
if (!['show', 'record', 'check'].includes(verb)) {
  console.error('usage: tsx test/vm/main.ts show|record|check [NAME…]');
  process.exit(1);
}
const all = names.length > 0 ? names : programNames();
let failed = 0;
for (const name of all) if (!(await run(verb, name))) failed++;
console.log(`${all.length - failed} of ${all.length} programs`);
process.exitCode = failed === 0 ? 0 : 1;
