import type { Command } from 'commander';
import { readPrivateKey } from '../fleet/keys.ts';
import { LARGEST_PROGRAM_COUNTER } from '../fleet/program.ts';
import { deployProgram } from '../sim/deploy.ts';
import { positiveNumber, wholeNumber } from './values.ts';

interface DeployCommandOptions {
  key?: string;
  counter?: number;
  serial?: string;
  tcp?: boolean;
  port?: number;
  device?: string;
  timeout?: number;
}

/** `retune deploy`: a program into a device's flash, as the editor does it. */
export function addDeployCommand(program: Command): void {
  program
    .command('deploy')
    .description("write a program to a device's flash and start it")
    .argument('<file>', 'a program (.ts), or one that is compiled already (.devs)')
    .option('--serial <port>', 'serial port of the board, USB or UART (/dev/ttyACM0, COM3)')
    .option('--tcp', "by way of the tools' hub (npx devs devtools); this is the default")
    .option('--port <port>', 'TCP port of the hub (default: 8082)', wholeNumber(1, 65535))
    .option('--device <id>', 'which device, where there are several')
    .option('--key <file>', "the owner's private key, for a board that is locked")
    .option(
      '--counter <n>',
      'of the signature (default: seconds since 1970)',
      wholeNumber(1, LARGEST_PROGRAM_COUNTER),
    )
    .option('--timeout <seconds>', 'how long to wait for it (default: 10)', positiveNumber)
    .action(async (file: string, options: DeployCommandOptions) => {
      const key = options.key === undefined ? undefined : readPrivateKey(options.key);
      const { device, bytes } = await deployProgram(file, { ...options, key });
      console.log(`deployed ${file}, ${bytes} bytes, to ${device}`);
    });
}
