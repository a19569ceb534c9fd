import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { boardLink } from '../fleet/board-link.ts';
import { createKeys, fingerprint, readPrivateKey, readPublicKey } from '../fleet/keys.ts';
import { OwnedBoard, trustText } from '../fleet/owner.ts';
import {
  counterOfNow,
  isSignedBy,
  joinProgram,
  LARGEST_PROGRAM_COUNTER,
  readStatement,
  signProgram,
  splitProgram,
} from '../fleet/program.ts';
import { readProgram } from '../sim/deploy.ts';
import { addLinkOptions, deviceNumber, type LinkFlags } from './delta.ts';
import { RetuneError } from './error.ts';
import { wholeNumber } from './values.ts';
import { writeResult } from './writable.ts';

const DEFAULT_TIMEOUT_S = 10;

interface BoardFlags extends LinkFlags {
  key: string;
  lock?: boolean;
}

/** Connects, does something to the board, and says how it is then. */
async function withBoard(
  options: LinkFlags,
  act?: (board: OwnedBoard) => Promise<void>,
): Promise<void> {
  const { device, timeout = DEFAULT_TIMEOUT_S } = options;
  const board = await OwnedBoard.connect(boardLink(options), { device, timeout });
  try {
    await act?.(board);
    console.log(trustText(board.device, await board.trust()));
  } finally {
    board.close();
  }
}

function create(file: string): void {
  const { publicFile, publicKey } = createKeys(file);
  console.log(`${file}: the private key, which signs; keep it to yourself, and a copy of it`);
  console.log(`${publicFile}: the public key ${fingerprint(publicKey)}, which boards trust`);
}

function show(files: string[]): void {
  for (const file of files) {
    const key = readPublicKey(file);
    console.log(`${file}: ${fingerprint(key)}`);
  }
}

interface SignOptions {
  key: string;
  out: string;
  counter?: number;
  device?: string;
}

async function sign(file: string, options: SignOptions): Promise<void> {
  const privateKey = readPrivateKey(options.key);
  const { image } = await readProgram(file);
  const counter = options.counter ?? counterOfNow();
  const statement = signProgram(image, privateKey, { counter, device: options.device });
  writeResult(options.out, joinProgram(image, statement), 'name another file with --out');
  console.log(`${options.out}: ${image.length} bytes of program, signed, counter ${counter}`);
}

function verify(file: string, options: { key: string }): void {
  const { image, statement } = splitProgram(readBytes(file));
  const fields = statement && readStatement(statement);
  if (statement === undefined || fields === undefined) {
    throw new RetuneError(`${file}: is not signed; sign it with \`retune keys sign\``);
  }
  const key = readPublicKey(options.key);
  if (!isSignedBy(image, statement, key)) {
    throw new RetuneError(`${file}: is not signed by ${options.key} (${fingerprint(key)})`);
  }
  console.log(`${file}: signed by ${fingerprint(key)}, counter ${fields.counter}`);
}

function readBytes(file: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(file));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new RetuneError(`${file}: cannot be read (${code}); give the path of a program`);
  }
}

/** Afterwards the link may be gone. */
async function reset(options: BoardFlags): Promise<void> {
  const { device, timeout = DEFAULT_TIMEOUT_S } = options;
  const board = await OwnedBoard.connect(boardLink(options), { device, timeout });
  try {
    await board.tell('reset', readPrivateKey(options.key));
    console.log(`device ${board.device}: starts again`);
  } finally {
    board.close();
  }
}

/** What is done with a board over a link. */
function addBoardCommands(keys: Command): void {
  const board = (name: string, description: string): Command =>
    addLinkOptions(keys.command(name).description(description));
  const owned = (name: string, description: string): Command =>
    board(name, description).requiredOption('--key <file>', "the owner's private key");
  board('status', 'say who owns a board, and whether it is locked').action((options: LinkFlags) =>
    withBoard(options),
  );
  owned('claim', 'make a board without an owner yours')
    .option('--lock', 'and let it take only programs that you have signed')
    .action((options: BoardFlags) =>
      withBoard(options, (one) =>
        one.tell('claim', readPrivateKey(options.key), { lock: options.lock === true }),
      ),
    );
  owned('lock', 'let your board take only programs that you have signed').action(
    (options: BoardFlags) =>
      withBoard(options, (one) => one.tell('lock', readPrivateKey(options.key), { lock: true })),
  );
  owned('unlock', 'let your board take any program').action((options: BoardFlags) =>
    withBoard(options, (one) => one.tell('lock', readPrivateKey(options.key), { lock: false })),
  );
  owned('give', 'make somebody else the owner of your board')
    .requiredOption('--to <file>', 'public key of the new owner')
    .action((options: BoardFlags & { to: string }) =>
      withBoard(options, (one) =>
        one.tell('give', readPrivateKey(options.key), { newOwner: readPublicKey(options.to) }),
      ),
    );
  owned('reset', 'start your board again, also when it is locked').action(reset);
}

/** `retune keys`: keys in files, signed programs, and who owns a board (docs/security.md). */
export function addKeysCommand(program: Command): void {
  const keys = program
    .command('keys')
    .description('make keys, sign programs, claim and lock boards');
  keys
    .command('create')
    .description('make a private key, and beside it FILE.pub, the public one')
    .argument('<file>', 'the private key, outside of any project')
    .action(create);
  keys
    .command('show')
    .description('print the fingerprints of keys')
    .argument('<file...>', 'keys, public or private')
    .action(show);
  keys
    .command('sign')
    .description('sign a program, for `retune deploy` to a locked board')
    .argument('<file>', 'a program (.ts), or one that is compiled already (.devs)')
    .requiredOption('--key <file>', 'private key')
    .requiredOption('--out <file>', 'the signed program')
    .option(
      '--counter <n>',
      'higher than that of the program before (default: seconds since 1970)',
      wholeNumber(1, LARGEST_PROGRAM_COUNTER),
    )
    .option('--device <id>', 'for this device only (default: any of the owner)', deviceNumber)
    .action(sign);
  keys
    .command('verify')
    .description('check the signature of a program')
    .argument('<file>', 'a signed program')
    .requiredOption('--key <file>', 'public key of whoever should have signed it')
    .action(verify);
  addBoardCommands(keys);
}
