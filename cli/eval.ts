import Table from 'cli-table3';
import { type Command, Option } from 'commander';
import {
  evaluateKeyword,
  type Evaluation,
  METHODS,
  type Method,
  type SubjectResult,
} from '../sim/evaluate.ts';
import { names, wholeNumber } from './values.ts';

interface KeywordOptions {
  data: string;
  model?: string;
  speakers?: string[];
  shots: number;
  method: Method;
  rank?: number;
  steps?: number;
  seed: number;
  json?: boolean;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function printTable(evaluation: Evaluation): void {
  const head = ['speaker', 'before', 'after', 'test clips', 'steps', 'check'];
  const table = new Table({ head, style: { head: [], border: [], compact: true } });
  const check = (result: SubjectResult): string => (result.refused ? 'refused' : 'kept');
  for (const r of evaluation.results) {
    table.push([r.subject, percent(r.before), percent(r.after), r.testClips, r.steps, check(r)]);
  }
  const { mean, overall, refused } = evaluation;
  table.push(['mean', percent(mean.before), percent(mean.after), '', '', `${refused} refused`]);
  table.push(['all clips', percent(overall.before), percent(overall.after), overall.clips, '', '']);
  console.log(table.toString());
  console.log(
    `${evaluation.method}, rank ${evaluation.rank}, ${evaluation.shots} takes a word, seed ${evaluation.seed}: ` +
      `adapter ${evaluation.adapterBytes} bytes, arena ${evaluation.arenaBytes} bytes, ` +
      `remembered windows ${evaluation.windowBytes} bytes`,
  );
}

async function runKeyword(options: KeywordOptions): Promise<void> {
  const quiet = options.json || !process.stderr.isTTY;
  const evaluation = await evaluateKeyword({
    ...options,
    onResult: (r) => {
      if (!quiet) console.error(`${r.subject}: ${percent(r.before)} -> ${percent(r.after)}`);
    },
  });
  if (options.json) console.log(JSON.stringify(evaluation));
  else printTable(evaluation);
}

/** `retune eval keyword`: accuracy before and after personalization, for every speaker of a folder. */
export function addEvalCommand(program: Command): void {
  program
    .command('eval')
    .description('measure personalization on recordings, with the engine of the board')
    .command('keyword')
    .description('personalize the model for every speaker of a folder and test it on the rest')
    .requiredOption('--data <folder>', 'NAME.s16 + NAME.csv, or WAV files in folders by label')
    .option(
      '--model <file>',
      "a .tflite; {subject} in it stands for the speaker's name (default: models/digits/digits.tflite)",
    )
    .option('--speakers <names>', 'only these, separated by commas', names)
    .option('--shots <count>', 'takes of each word to learn from', wholeNumber(1, 100), 5)
    .addOption(
      new Option('--method <kind>', 'kind of adapter').choices(METHODS).default('skip' as Method),
    )
    .option('--rank <rank>', 'rank of the low-rank matrices', wholeNumber(1, 16))
    .option('--steps <count>', 'training steps a speaker', wholeNumber(1, 100_000))
    .option('--seed <seed>', 'of augmentation, order and rounding', wholeNumber(0, 0x7fffffff), 1)
    .option('--json', 'print one JSON object instead of a table')
    .action(runKeyword);
}
