/** `retune delta` as typed: the way of a file from a saved adapter to a checked delta. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { addDeltaCommand } from '../../cli/delta.ts';
import { RetuneError } from '../../cli/error.ts';
import { boardLink } from '../../fleet/board-link.ts';
import { OwnedBoard } from '../../fleet/owner.ts';
import { owner, privateKeyFrom, readGolden } from './golden.ts';

const MODEL = fileURLToPath(new URL('../../models/digits/digits.tflite', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'retune-delta-'));
  for (const name of ['skip.adapter', 'base.adapter', 'head.adapter']) {
    writeFileSync(join(folder, name), readGolden(name));
  }
  const pem = (key: typeof owner): string =>
    key.export({ type: 'pkcs8', format: 'pem' }).toString();
  writeFileSync(join(folder, 'owner.key'), pem(owner), { mode: 0o600 });
  const stranger = privateKeyFrom('22'.repeat(32));
  writeFileSync(join(folder, 'other.key'), pem(stranger), { mode: 0o600 });
});
const before = process.cwd();
beforeEach(() => process.chdir(folder));
afterEach(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
  vi.restoreAllMocks();
});

/** What the command prints. */
async function delta(...args: string[]): Promise<string> {
  const lines: string[] = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
  const program = new Command('retune').exitOverride();
  addDeltaCommand(program);
  await program.parseAsync(['delta', ...args], { from: 'user' });
  return lines.join('\n');
}

/** What the command says when it fails. */
async function failure(...args: string[]): Promise<string> {
  try {
    await delta(...args);
  } catch (error) {
    if (error instanceof RetuneError) return error.message;
    throw error;
  }
  throw new Error(`retune delta ${args.join(' ')} succeeded`);
}

const read = (name: string): Buffer => readFileSync(join(folder, name));

describe('retune delta', () => {
  it('packs, signs, inspects and verifies', async () => {
    const pack = ['pack', '--adapter', 'skip.adapter', '--out', 'a.delta', '--counter', '7'];
    const packed = await delta(...pack, '--name', 'ada', '--slot', '1', '--model', MODEL);
    expect(packed).toMatch(/^a\.delta: \d+ bytes, not signed yet; entropy payload of \d+ bytes/);
    expect(await failure('verify', 'a.delta', '--key', 'owner.key')).toContain(
      'a.delta: is not signed',
    );

    await delta('sign', 'a.delta', '--key', 'owner.key');
    expect(await delta('verify', 'a.delta', '--key', 'owner.key')).toContain(
      'an adapter of 3958 bytes',
    );
    expect(await failure('verify', 'a.delta', '--key', 'other.key')).toContain(
      'not signed with this key',
    );
    expect(JSON.parse(await delta('inspect', 'a.delta', '--json'))).toMatchObject({
      bytes: read('a.delta').length,
      signed: true,
      name: 'ada',
      counter: 7,
      slot: 1,
      device: null,
      method: 'skip',
      rank: 8,
      coding: 'entropy',
      base: null,
      decodedBytes: 3934,
    });
    expect(await delta('inspect', 'a.delta')).toContain('any board with this model');
  });

  it('packs a difference, which only the base makes whole', async () => {
    const pack = ['pack', '--adapter', 'skip.adapter', '--base', 'base.adapter'];
    await delta(
      ...pack,
      '--out',
      'b.delta',
      '--counter',
      '8',
      '--target-device',
      '0123456789ABCDEF',
    );
    await delta('sign', 'b.delta', '--key', 'owner.key', '--out', 'signed.delta');
    const verify = ['verify', 'signed.delta', '--key', 'owner.key'];
    expect(await delta(...verify)).toContain('its content needs --base');
    expect(await delta(...verify, '--base', 'base.adapter')).toContain('good');
    expect(await failure(...verify, '--base', 'head.adapter')).toContain('is the difference to');
    expect(read('b.delta').length + 64).toBe(read('signed.delta').length);
    expect(JSON.parse(await delta('inspect', 'signed.delta', '--json'))).toMatchObject({
      device: '0123456789abcdef',
    });
  });

  it('says what is wrong, and leaves the files as they were', async () => {
    const out = ['--out', 'x.delta'];
    expect(await failure('pack', ...out)).toContain('--adapter FILE or --from SLOT');
    expect(await failure('pack', '--adapter', 'none', ...out)).toContain(
      'none: cannot be read (ENOENT)',
    );
    expect(await failure('pack', '--adapter', 'owner.key', ...out)).toContain(
      'is no saved adapter',
    );
    writeFileSync(join(folder, 'other.tflite'), 'x');
    const wrong = await failure(
      'pack',
      '--adapter',
      'skip.adapter',
      ...out,
      '--model',
      'other.tflite',
    );
    expect(wrong).toContain('is for the model 6c15f807, other.tflite is');
    const name = await failure(
      'pack',
      '--adapter',
      'skip.adapter',
      ...out,
      '--name',
      'n'.repeat(25),
    );
    expect(name).toContain('at most 24 bytes');
    expect(existsSync(join(folder, 'x.delta'))).toBe(false);

    copyFileSync(join(folder, 'skip.adapter'), join(folder, 'y.delta'));
    expect(await failure('sign', 'y.delta', '--key', 'owner.key')).toContain(
      'y.delta: is no delta',
    );
    expect(await failure('inspect', 'y.delta')).toContain('y.delta: is no delta');
    expect(Buffer.compare(read('y.delta'), read('skip.adapter'))).toBe(0);
    chmodSync(join(folder, 'owner.key'), 0o644);
    expect(await failure('sign', 'y.delta', '--key', 'owner.key')).toContain('chmod 600');
    expect(readdirSync(folder).some((file) => file.endsWith('.part'))).toBe(false);
  });

  it('sends to a simulated board, whose flash is a file, and reads from it', async () => {
    const board = ['--target', 'wasm', '--flash', 'board.flash'];
    const claim = await OwnedBoard.connect(
      boardLink({ target: 'wasm', flash: 'board.flash', print: () => undefined }),
      { timeout: 10 },
    );
    await claim.tell('claim', owner);
    claim.close();
    await delta('pack', '--adapter', 'skip.adapter', '--out', 'c.delta', '--name', 'ada');
    await delta('sign', 'c.delta', '--key', 'owner.key');
    expect(await failure('apply', 'c.delta', ...board)).toContain('say --slot 0 to 7');
    expect(await delta('apply', 'c.delta', '--slot', '4', ...board)).toContain(
      'c.delta: installed in slot 4 of',
    );
    // each command is a start of the board: what nobody confirms is gone at the second
    await delta('read', '--slot', '4', '--out', 'read.adapter', ...board);
    expect(Buffer.compare(read('read.adapter'), read('skip.adapter'))).toBe(0);
    expect(JSON.parse(await delta('status', '--json', ...board))).toMatchObject({ slots: [] });
    expect(await failure('pack', '--from', '4', '--out', 'd.delta', ...board)).toContain(
      'nothing is saved there',
    );
    const again = ['read', '--slot', '4', '--out', 'read.adapter'];
    expect(await failure(...again, ...board)).toContain('read.adapter: is there already');
  });

  it('says what is wrong with the way to a board', async () => {
    expect(await failure('status', '--flash', 'f')).toContain('--flash f: only a simulated board');
    writeFileSync('f', 'x');
    const small = await failure('status', '--target', 'wasm', '--flash', 'f');
    expect(small).toContain('f: 1 bytes are no flash of 2097152');
    expect(await failure('status', '--target', 'wasm', '--serial', 'x')).toContain('drop --serial');
  });
});
