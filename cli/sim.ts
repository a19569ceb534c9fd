import process from 'node:process';
import { type Command, Option } from 'commander';
import { runCheck, runSim } from '../sim/app.ts';
import { runServe } from '../sim/serve.ts';
import { runStory, type StoryOptions } from '../sim/story.ts';
import { DEFAULT_TARGET, type Target, TARGETS } from '../sim/targets.ts';
import { positiveNumber, wholeNumber } from './values.ts';

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
    .option('--flash <file>', "where the board's flash goes at the end, for retune delta and store")
    .option('--json', 'one JSON object a line')
    .option('--headless', 'no live view')
    .addOption(targetOption())
    .action(async (options: StoryOptions) => {
      await runStory(options);
    });
}

function targetOption(): Option {
  return new Option('--target <target>', 'where the script runs')
    .choices(TARGETS)
    .default(DEFAULT_TARGET);
}

interface SimCommandOptions {
  target: Target;
  watch?: boolean;
  data?: string;
  speaker?: string;
  model?: string;
  seed: number;
  speed?: number;
  duration?: number;
}

interface ServeCommandOptions extends SimCommandOptions {
  port?: number;
  webSocket?: boolean;
  wait?: number;
  deviceId?: string;
  clearFlash?: boolean;
  stateless?: boolean;
}

/** Ends a command that runs until Ctrl+C, or until the editor stops it, in order. */
export function untilInterrupted(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => controller.abort());
  }
  return controller.signal;
}

function addSurroundings(command: Command): Command {
  return command
    .addOption(targetOption())
    .option('--data <folder>', 'recordings that the microphone hears (default: silence)')
    .option('--speaker <name>', 'who speaks (default: the first of the folder)')
    .option('--model <file>', 'a .tflite (default: models/digits/digits.tflite)')
    .option('--seed <seed>', 'of everything random', wholeNumber(0, 0x7fffffff), 1);
}

/** `retune sim`, `retune check`, `retune serve`: any script, as VS Code calls them. */
export function addSimCommands(program: Command): void {
  const sim = program
    .command('sim')
    .description('run a script in the simulator, with learner, microphone, button, LED and battery')
    .argument('<file>', 'a DeviceScript program')
    .option('--watch', 'compile and start again whenever a source changes')
    .option('--speed <factor>', 'virtual seconds a second (default: 1)', positiveNumber)
    .option('--duration <seconds>', 'end after so many virtual seconds', positiveNumber);
  addSurroundings(sim).action(async (app: string, options: SimCommandOptions) => {
    await runSim({ ...options, app, signal: untilInterrupted() });
  });

  program
    .command('check')
    .description('compile a script and list its errors')
    .argument('<file>', 'a DeviceScript program')
    .option('--watch', 'again at every save')
    .action(async (app: string, options: { watch?: boolean }) => {
      const fine = await runCheck(app, { ...options, signal: untilInterrupted() });
      if (!fine && options.watch !== true) process.exitCode = 1;
    });

  const serve = program
    .command('serve')
    .description('a simulated board for the official tools: joins the hub of npx devs devtools')
    .option('--port <port>', "port of the tools' hub (default: 8082)", wholeNumber(1, 65535))
    .option('--web-socket', 'join by WebSocket (default port: 8081) instead of TCP')
    .option(
      '-w, --wait <port>',
      'the same, with the console as the editor wants it',
      wholeNumber(1, 65535),
    )
    .option('-d, --device-id <id>', 'of the board: sixteen hexadecimal digits, or a name')
    .option('-N, --clear-flash', 'begin with an erased flash')
    .option('-n, --stateless', 'do not keep the flash')
    .option('-X, --gc-stress', 'taken for the sake of the editor, changes nothing');
  addSurroundings(serve).action(async (options: ServeCommandOptions) => {
    const { wait, port, deviceId } = options;
    await runServe({
      ...options,
      port: wait ?? port,
      deviceId: deviceId?.replace(/^:/, ''), // the editor says -d:ID
      forTools: wait !== undefined,
      signal: untilInterrupted(),
    });
  });
}
