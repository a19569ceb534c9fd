import { type Command, Option } from 'commander';
import { DEFAULT_TARGET, type Target, TARGETS } from '../sim/targets.ts';
import { runUsers } from '../sim/users.ts';
import { wholeNumber } from './values.ts';

interface UsersCommandOptions {
  app?: string;
  data?: string;
  people?: string[];
  model?: string;
  target: Target;
  seed: number;
  words: number;
  json?: boolean;
  verbose?: boolean;
}

/** `retune users`: two people share one device. */
export function addUsersCommand(program: Command): void {
  program
    .command('users')
    .description('two people share one device: each has an adapter, a press changes between them')
    .option('--data <folder>', 'recordings to play instead of synthetic voices')
    .option('--people <names...>', 'the two of them (default: the first two of the folder)')
    .option('--model <file>', 'a .tflite')
    .option('--app <file>', 'the script (default: src/multiuser.ts)')
    .option('--seed <seed>', 'of everything random', wholeNumber(0, 0x7fffffff), 1)
    .option('--words <count>', 'words a person says in each part', wholeNumber(1, 10_000), 30)
    .option('--json', 'one JSON object instead of the table')
    .option('--verbose', 'the console of the script as well')
    .addOption(
      new Option('--target <target>', 'where the script runs')
        .choices(TARGETS)
        .default(DEFAULT_TARGET),
    )
    .action(async ({ verbose, ...options }: UsersCommandOptions) => {
      const onLine = (line: string): void => void process.stderr.write(`${line}\n`);
      await runUsers({ ...options, onLine: verbose === true ? onLine : undefined });
    });
}
