import { type Command, Option } from 'commander';
import { RUN_TARGETS, runProgram, type RunTarget } from '../sim/run-program.ts';
import { untilInterrupted } from './sim.ts';
import { positiveNumber, wholeNumber } from './values.ts';

interface RunCommandOptions {
  target: RunTarget;
  test?: boolean;
  timeout?: number;
  seed: number;
}

/** `retune run`: any DeviceScript program on our VM. */
export function addRunCommand(program: Command): void {
  program
    .command('run')
    .description('run a DeviceScript program on our VM and print its console')
    .argument('<file>', 'a program (.ts), or one that is compiled already (.devs)')
    .addOption(
      new Option('--target <target>', 'where it runs')
        .choices(RUN_TARGETS)
        .default('wasm' as RunTarget),
    )
    .option('--test', 'end when the program has come to its end; time does not wait')
    .option(
      '--timeout <seconds>',
      'with --test: virtual time to end in (default: 300)',
      positiveNumber,
    )
    .option('--seed <seed>', 'of random numbers', wholeNumber(0, 0x7fffffff), 1)
    .action(async (file: string, options: RunCommandOptions) => {
      await runProgram(file, { ...options, signal: untilInterrupted() });
    });
}
