import { type Command, Option } from 'commander';
import { runStory, type StoryOptions } from '../sim/story.ts';
import { wholeNumber } from './numbers.ts';

/** `retune start`: the whole keyword story in the simulator. */
export function addStartCommand(program: Command): void {
  program
    .command('start')
    .description('the whole story: a known speaker, then a new one, drift, training, reboot')
    .option('--data <folder>', 'recordings to play instead of synthetic voices')
    .option('--known <speaker>', 'who the device knows')
    .option('--new <speaker>', 'who comes after')
    .option('--model <file>', 'a .tflite')
    .option('--app <file>', 'the script (default: src/keyword.ts)')
    .option('--seed <seed>', 'of everything random', wholeNumber(0, 0x7fffffff), 1)
    .option('--plot <file>', 'where the plot goes (default: .retune/story.svg)')
    .option('--json', 'one JSON object a line')
    .option('--headless', 'no live view')
    .addOption(
      new Option('--target <target>', 'where the script runs')
        .choices(['official'])
        .default('official'),
    )
    .action(async (options: StoryOptions) => {
      await runStory(options);
    });
}

export function addSimCommand(_program: Command): void {}
