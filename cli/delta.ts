import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { blobCrc, methodName, readBlob } from '../fleet/blob.ts';
import { boardLink, SIMULATED_TARGETS, type SimulatedTarget } from '../fleet/board-link.ts';
import { type Coding, CODINGS } from '../fleet/coding.ts';
import {
  ANY_SLOT,
  type Delta,
  isSignedBy,
  LARGEST_COUNTER,
  packDelta,
  readDelta,
  signDelta,
  SLOTS,
  unpackDelta,
} from '../fleet/delta.ts';
import { fingerprint, readPrivateKey, readPublicKey } from '../fleet/keys.ts';
import { applyDelta, readAdapter, readDevice } from '../fleet/transfer.ts';
import { RetuneError } from './error.ts';
import { positiveNumber, wholeNumber } from './values.ts';
import { ensureFolder } from './writable.ts';

/** Larger files are none of ours, and are not read. */
const LARGEST_FILE_BYTES = 1 << 20;

function readInput(file: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = new Uint8Array(readFileSync(file));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new RetuneError(`${file}: cannot be read (${code}); give the path of a file`);
  }
  if (bytes.length <= LARGEST_FILE_BYTES) return bytes;
  throw new RetuneError(`${file}: ${bytes.length} bytes are too many for a delta or an adapter`);
}

/** Written beside and renamed: whatever happens, the old file or the new one is there. */
function writeOutput(file: string, bytes: Uint8Array): void {
  const advice = 'name another file with --out';
  ensureFolder(dirname(file), advice);
  const scratch = `${file}.part`;
  try {
    writeFileSync(scratch, bytes);
    renameSync(scratch, file);
  } catch (error) {
    rmSync(scratch, { force: true });
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new RetuneError(`${file}: cannot be written (${code}); ${advice}`);
  }
}

const hex = (word: number): string => word.toString(16).padStart(8, '0');

export function deviceNumber(text: string): string {
  if (/^[0-9a-f]{16}$/i.test(text)) return text.toLowerCase();
  throw new InvalidArgumentError('give sixteen hexadecimal digits, as `delta status` shows them.');
}

const slotNumber = wholeNumber(0, SLOTS - 1);

export interface LinkFlags {
  serial?: string;
  port?: number;
  target?: SimulatedTarget;
  flash?: string;
  model?: string;
  device?: string;
  timeout?: number;
}

/** Options that say which board. */
export function addLinkOptions(command: Command): Command {
  return command
    .option('--serial <port>', 'serial port of the board, USB or UART (/dev/ttyACM0, COM3)')
    .option(
      '--port <port>',
      "TCP port of the tools' hub, the default way (8082)",
      wholeNumber(1, 65535),
    )
    .addOption(new Option('--target <target>', 'a simulated board').choices(SIMULATED_TARGETS))
    .option('--flash <file>', 'with --target: its flash, read and written')
    .option('--device <id>', 'which device, where there are several', deviceNumber)
    .option('--timeout <seconds>', 'how long to wait for it (default: 10)', positiveNumber);
}

interface PackFlags extends LinkFlags {
  adapter?: string;
  from?: number;
  back: number;
  out: string;
  base?: string;
  counter?: number;
  name?: string;
  slot?: number;
  targetDevice?: string;
  coding?: Coding;
}

const MILLISECONDS = 1000;

async function pack(flags: PackFlags): Promise<void> {
  const { adapter, from, out } = flags;
  if ((adapter === undefined) === (from === undefined)) {
    throw new RetuneError('pack: name either --adapter FILE or --from SLOT of a board');
  }
  const source = adapter ?? `slot ${from}`;
  const blob =
    adapter === undefined
      ? await readAdapter(from ?? 0, flags.back, boardLink(flags), flags)
      : readInput(adapter);
  if (flags.model !== undefined) checkModel(blob, source, flags.model);
  const bytes = packDelta(blob, source, {
    ...flags,
    counter: flags.counter ?? Math.floor(Date.now() / MILLISECONDS),
    device: flags.targetDevice,
    base: flags.base === undefined ? undefined : readInput(flags.base),
  });
  writeOutput(out, bytes);
  const { coding, payloadBytes, decodedBytes, counter } = readDelta(bytes, out);
  console.log(
    `${out}: ${bytes.length} bytes, not signed yet; ${coding} payload of ${payloadBytes} bytes ` +
      `for ${decodedBytes}, counter ${counter}`,
  );
}

/** The hash that a compiled model carries: first four bytes of the .tflite's SHA-256. */
function checkModel(blob: Uint8Array, source: string, model: string): void {
  const adapter = readBlob(blob);
  if (typeof adapter === 'string') return; // packing says so
  const hash = createHash('sha256').update(readInput(model)).digest().readUInt32LE(0);
  if (adapter.modelHash === hash) return;
  throw new RetuneError(
    `${source}: is for the model ${hex(adapter.modelHash)}, ${model} is ${hex(hash)}; ` +
      'give the model that it was trained on',
  );
}

function sign(file: string, { key, out }: { key: string; out?: string }): void {
  const signed = signDelta(readInput(file), file, readPrivateKey(key));
  writeOutput(out ?? file, signed);
  console.log(`${out ?? file}: ${signed.length} bytes, signed`);
}

interface VerifyFlags {
  key: string;
  base?: string;
  model?: string;
}

function verify(file: string, { key, base, model }: VerifyFlags): void {
  const delta = readDelta(readInput(file), file);
  const owner = readPublicKey(key);
  if (delta.signature === undefined) {
    throw new RetuneError(`${file}: is not signed; sign it with \`retune delta sign\``);
  }
  if (!isSignedBy(delta, owner)) {
    throw new RetuneError(
      `${file}: is not signed with this key (${fingerprint(owner)}), or was changed afterwards`,
    );
  }
  if (delta.base !== undefined && base === undefined) {
    console.log(`${file}: signed with ${fingerprint(owner)}; its content needs --base to check`);
    return;
  }
  const blob = unpackDelta(delta, file, base === undefined ? undefined : readInput(base));
  if (model !== undefined) checkModel(blob, file, model);
  console.log(
    `${file}: good: signed with ${fingerprint(owner)}, an adapter of ${blob.length} bytes`,
  );
}

/** What `inspect --json` prints. */
function facts(delta: Delta, bytes: number): Record<string, string | number | boolean | null> {
  return {
    bytes,
    signed: delta.signature !== undefined,
    name: delta.name,
    counter: delta.counter,
    slot: delta.slot === ANY_SLOT ? null : delta.slot,
    device: delta.device ?? null,
    model: hex(delta.modelHash),
    layout: hex(delta.layoutHash),
    method: methodName(delta.method) ?? delta.method,
    rank: delta.rank,
    coding: delta.coding,
    base: delta.base === undefined ? null : hex(delta.base),
    payloadBytes: delta.payloadBytes,
    decodedBytes: delta.decodedBytes,
    adapter: hex(delta.blobCrc),
  };
}

function inspect(file: string, { json }: { json?: boolean }): void {
  const bytes = readInput(file);
  const all = facts(readDelta(bytes, file), bytes.length);
  if (json === true) {
    console.log(JSON.stringify(all));
    return;
  }
  const text: Record<string, string> = {
    slot: 'any',
    device: 'any board with this model',
    base: 'none: the adapter itself',
  };
  for (const [name, value] of Object.entries(all)) {
    console.log(`${name.padEnd(13)} ${value === null ? (text[name] ?? '') : value}`);
  }
}

interface ApplyFlags extends LinkFlags {
  slot?: number;
}

async function apply(file: string, flags: ApplyFlags): Promise<void> {
  const isWatched = process.stderr.isTTY;
  const { device, slot, counter, resumedAt } = await applyDelta(
    readInput(file),
    file,
    boardLink(flags),
    {
      ...flags,
      onProgress: (sent, total) => {
        if (isWatched) process.stderr.write(`\r${sent} of ${total} bytes`);
        if (isWatched && sent === total) process.stderr.write('\n');
      },
    },
  );
  const resumed = resumedAt > 0 ? ` (went on at byte ${resumedAt})` : '';
  console.log(
    `${file}: installed in slot ${slot} of ${device}, counter ${counter}${resumed}; on trial from ` +
      'the next start, until the script confirms it',
  );
}

interface ReadFlags extends LinkFlags {
  slot: number;
  back: number;
  out: string;
}

async function read(flags: ReadFlags): Promise<void> {
  if (existsSync(flags.out)) throw new RetuneError(`${flags.out}: is there already; name another`);
  const blob = await readAdapter(flags.slot, flags.back, boardLink(flags), flags);
  writeOutput(flags.out, blob);
  console.log(`${flags.out}: ${blob.length} bytes, adapter ${hex(blobCrc(blob))}`);
}

async function status(flags: LinkFlags & { json?: boolean }): Promise<void> {
  const state = await readDevice(boardLink(flags), flags);
  const owner = state.owner === undefined ? null : fingerprint(state.owner);
  if (flags.json === true) {
    console.log(JSON.stringify({ ...state, owner }));
    return;
  }
  console.log(`device  ${state.device}`);
  console.log(`owner   ${owner ?? 'none: it takes no deltas'}`);
  console.log(`counter ${state.counter}`);
  for (const { slot, state: kept, bytes, crc, counter, name } of state.slots) {
    const from = counter === 0 ? 'trained here' : `delta ${counter}`;
    console.log(`slot ${slot}  ${kept}, ${bytes} bytes, adapter ${hex(crc)}, ${from} ${name}`);
  }
}

/** `retune delta`: adapters as signed files. */
export function addDeltaCommand(program: Command): void {
  const delta = program
    .command('delta')
    .description('adapters as signed files: what one board has learned, for another');

  addLinkOptions(
    delta
      .command('pack')
      .description('make a delta from a saved adapter')
      .option('--adapter <file>', 'the saved adapter')
      .option('--from <slot>', "a board's flash slot instead of a file", slotNumber)
      .option(
        '--back <versions>',
        'with --from: so many versions before the newest',
        wholeNumber(0, 255),
        0,
      )
      .requiredOption('--out <file>', 'the delta')
      .option('--base <file>', 'saved adapter that the receiver has: only the difference travels')
      .option('--model <file>', 'check that the adapter is for this .tflite')
      .option(
        '--counter <number>',
        'above that of the last one (default: seconds since 1970)',
        wholeNumber(1, LARGEST_COUNTER),
      )
      .option('--name <text>', 'of the adapter, up to 24 bytes')
      .option('--slot <slot>', 'flash slot that it is for (default: any)', slotNumber)
      .option('--target-device <id>', 'the only device that may take it', deviceNumber)
      .addOption(
        new Option('--coding <kind>', 'of the payload (default: the smallest)').choices(CODINGS),
      ),
  ).action(pack);

  delta
    .command('sign')
    .description("sign a delta with the owner's private key")
    .argument('<file>', 'the delta')
    .requiredOption('--key <file>', 'private key, see `retune keys create`')
    .option('--out <file>', 'the signed delta (default: the same file)')
    .action(sign);

  delta
    .command('verify')
    .description('check signature and content')
    .argument('<file>', 'the delta')
    .requiredOption('--key <file>', 'public key of the owner')
    .option('--base <file>', 'saved adapter that it is the difference to')
    .option('--model <file>', 'check that it is for this .tflite')
    .action(verify);

  delta
    .command('inspect')
    .description('what a delta says about itself; checks no signature')
    .argument('<file>', 'the delta')
    .option('--json', 'one JSON object')
    .action(inspect);

  addLinkOptions(
    delta
      .command('apply')
      .description(
        'send a signed delta to a board, which checks and installs it; goes on where it broke off',
      )
      .argument('<file>', 'the delta')
      .option('--slot <slot>', 'where to (default: the slot that it names)', slotNumber)
      .option('--model <file>', 'with --target: its .tflite'),
  ).action(apply);

  addLinkOptions(
    delta
      .command('read')
      .description('a saved adapter out of a board')
      .requiredOption('--slot <slot>', 'flash slot', slotNumber)
      .option('--back <versions>', 'so many versions before the newest', wholeNumber(0, 255), 0)
      .requiredOption('--out <file>', 'where it goes')
      .option('--model <file>', 'with --target: its .tflite'),
  ).action(read);

  addLinkOptions(
    delta
      .command('status')
      .description('what a board holds: owner, counter, slots')
      .option('--model <file>', 'with --target: its .tflite')
      .option('--json', 'one JSON object'),
  ).action(status);
}
