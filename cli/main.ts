import { readFileSync } from 'node:fs';
import process from 'node:process';
import { Command, CommanderError } from 'commander';
import { addBenchCommand } from './bench.ts';
import { addBuildCommand } from './build.ts';
import { RetuneError } from './error.ts';
import { addDeltaCommand } from './delta.ts';
import { addDeployCommand } from './deploy.ts';
import { addEvalCommand } from './eval.ts';
import { addKeysCommand } from './keys.ts';
import { addRunCommand } from './run.ts';
import { addSimCommands, addStartCommand } from './sim.ts';
import { addStoreCommand } from './store.ts';
import { addUsersCommand } from './users.ts';

function version(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

function createProgram(): Command {
  const program = new Command('retune')
    .description('TypeScript on small boards that fine-tunes its own neural network on the board')
    .version(version())
    .showHelpAfterError('(retune --help lists the commands)')
    .exitOverride();
  addStartCommand(program);
  addSimCommands(program);
  addUsersCommand(program);
  addRunCommand(program);
  addDeployCommand(program);
  addDeltaCommand(program);
  addKeysCommand(program);
  addStoreCommand(program);
  addEvalCommand(program);
  addBuildCommand(program);
  addBenchCommand(program);
  return program;
}

/** Exit status of a run that failed: 1 for input that the user can mend, 70 for a defect of ours. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode; // commander has printed it already
  if (error instanceof RetuneError) {
    console.error(`retune: ${error.message}`);
    return 1;
  }
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  console.error(`retune: internal error, please report it: ${detail}`);
  return 70;
}

/** Runs the command line `args` (without node and script) and sets the exit status. */
export async function main(args: string[]): Promise<void> {
  // A reader that stops early (`retune … | head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  try {
    await createProgram().parseAsync(args, { from: 'user' });
  } catch (error) {
    process.exitCode = report(error);
  }
}
