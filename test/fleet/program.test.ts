import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { main } from '../../cli/main.ts';
import { parseManifest } from '../../compiler/manifest.ts';
import { trustSource } from '../../compiler/firmware-sources.ts';
import { createKeys, fingerprint, rawPublicKey, readPublicKey } from '../../fleet/keys.ts';
import { parseTrust, refusal, trustText } from '../../fleet/owner.ts';
import {
  ANY_DEVICE,
  isSignedBy,
  joinProgram,
  readStatement,
  signOwner,
  signProgram,
  splitProgram,
  STATEMENT_BYTES,
} from '../../fleet/program.ts';
import { builtInTrust } from '../../fleet/trust.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ed25519');
const image = Uint8Array.from({ length: 500 }, (_, i) => (7 * i) & 255);
const device = '1d46a30eef48919f';

describe('statements of programs', () => {
  test('hold what was signed', () => {
    const statement = signProgram(image, privateKey, { counter: 7, device });
    expect(statement).toHaveLength(STATEMENT_BYTES);
    expect(readStatement(statement)).toMatchObject({ bytes: 500, counter: 7, device });
    expect(isSignedBy(image, statement, publicKey)).toBe(true);
    expect(isSignedBy(image, statement, other.publicKey)).toBe(false);
    expect(isSignedBy(image.subarray(1), statement, publicKey)).toBe(false);
    const changed = image.slice();
    changed[499] = 0;
    expect(isSignedBy(changed, statement, publicKey)).toBe(false);
    expect(readStatement(signProgram(image, privateKey, { counter: 1 }))?.device).toBe(ANY_DEVICE);
  });

  test('their bytes are those of docs/security.md', () => {
    const statement = Buffer.from(signProgram(image, privateKey, { counter: 0x01020304, device }));
    expect(statement.toString('latin1', 0, 4)).toBe('RTs1');
    expect(statement.toString('hex', 4, 24)).toBe(`f401000004030201${'00000000'}${device}`);
    const challenge = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const told = { act: 'lock', device, challenge, lock: true } as const;
    const owner = Buffer.from(signOwner(told, privateKey));
    expect(owner.toString('latin1', 0, 4)).toBe('RTo1');
    expect(owner.toString('hex', 4, 24)).toBe(`03010000${device}0102030405060708`);
    expect(owner.toString('hex', 24, 56)).toBe(
      Buffer.from(rawPublicKey(publicKey)).toString('hex'),
    );
  });

  test('a signed file is taken apart again, whatever the program is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        const statement = signProgram(bytes, privateKey, { counter: 3 });
        const file = joinProgram(bytes, statement);
        expect(splitProgram(file)).toEqual({ image: bytes, statement });
        expect(splitProgram(bytes)).toEqual({ image: bytes });
        // what is cut is no signed program
        expect(splitProgram(file.subarray(1)).statement).toBeUndefined();
        expect(splitProgram(file.subarray(0, -1)).statement).toBeUndefined();
      }),
      { numRuns: 100, seed: 2 },
    );
  });

  test('counters and devices out of range are refused', () => {
    for (const counter of [0, -1, 1.5, 2 ** 32]) {
      expect(() => signProgram(image, privateKey, { counter })).toThrow(/give a whole number/);
    }
    expect(() => signProgram(image, privateKey, { counter: 1, device: '12' })).toThrow(/sixteen/);
  });
});

describe('what a board says', () => {
  test('is read', () => {
    const bytes = Uint8Array.from([
      2,
      1,
      1,
      0,
      9,
      0,
      0,
      0,
      ...Array(8).fill(5),
      ...rawPublicKey(publicKey),
    ]);
    const trust = parseTrust(bytes);
    expect(trust).toMatchObject({ state: 'claimed', isLocked: true, isSigned: true, counter: 9 });
    expect(trustText(device, trust)).toBe(
      `device ${device}: claimed by ${fingerprint(publicKey)}; locked; a signed program, counter 9`,
    );
    expect(trustText(device, parseTrust(new Uint8Array(16).fill(1, 0, 1)))).toBe(
      `device ${device}: unclaimed; open; no signed program`,
    );
  });

  test('that is of another version is an error', () => {
    for (const size of [0, 1, 15, 17, 47, 49]) {
      expect(() => parseTrust(new Uint8Array(size))).toThrow(/update its firmware/);
    }
    expect(() => parseTrust(new Uint8Array(16).fill(9))).toThrow(/update its firmware/);
  });

  test('every answer of native/store/trust.h has its words, and others too', () => {
    const header = readFileSync('native/store/trust.h', 'utf8');
    const codes = [...header.matchAll(/RT_TRUST_ERROR_\w+ = (\d+)/g)].map(([, code]) =>
      Number(code),
    );
    expect(codes.length).toBeGreaterThan(15);
    const texts = codes.map(refusal);
    expect(new Set(texts).size).toBe(codes.length);
    expect(texts.filter((text) => text.startsWith('it answers'))).toEqual([]);
    expect(refusal(200)).toMatch(/it answers 200/);
  });
});

describe('an owner that is built in', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'retune-trust-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const manifest = (trust?: object): ReturnType<typeof parseManifest> =>
    parseManifest(
      { board: 'b', app: 'a.ts', model: 'm.tflite', modules: [], trust },
      join(folder, 'devicescript.json'),
    );

  test('comes from the manifest, beside which the file lies', () => {
    createKeys(join(folder, 'owner'));
    const raw = rawPublicKey(readPublicKey(join(folder, 'owner.pub')));
    expect(builtInTrust(manifest())).toBeUndefined();
    expect(builtInTrust(manifest({ owner: 'owner.pub' }))).toEqual({ owner: raw, lock: false });
    expect(builtInTrust(manifest({ owner: 'owner.pub', lock: true }))?.lock).toBe(true);
    const source = trustSource({ owner: raw, lock: true });
    expect(source).toContain(`{${[...raw].map((byte) => `${byte},`).join('')}}`);
    expect(source).toMatch(/is_locked = 1,\s+\.verify = rt_ed25519_verify/);
    expect(trustSource(undefined)).toMatch(/owner = NULL,\s+\.is_locked = 0/);
  });

  test('what is wrong with it names manifest, field and file', () => {
    const wrong: [object, RegExp][] = [
      [{ owner: 'none.pub' }, /devicescript\.json: field "trust\.owner": .*none\.pub.*ENOENT/],
      [{ owner: '' }, /trust\.owner/],
      [{ owner: 'a', lock: 'yes' }, /trust\.lock/],
      [{ lock: true }, /trust\.owner/],
      [{ owner: 'a', key: 'b' }, /trust/],
    ];
    for (const [trust, pattern] of wrong) {
      expect(() => builtInTrust(manifest(trust))).toThrow(pattern);
    }
    writeFileSync(join(folder, 'bad.pub'), 'no key');
    expect(() => builtInTrust(manifest({ owner: 'bad.pub' }))).toThrow(
      /bad\.pub: is no public key/,
    );
  });
});

describe('retune keys, as it is typed', () => {
  let folder: string;
  let said: string[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'retune-keys-'));
    said = [];
    vi.spyOn(console, 'log').mockImplementation((line: string) => void said.push(line));
    vi.spyOn(console, 'error').mockImplementation((line: string) => void said.push(line));
  });
  afterEach(() => {
    vi.restoreAllMocks();
    process.exitCode = 0;
    rmSync(folder, { recursive: true });
  });
  const path = (name: string): string => join(folder, name);

  test('create, show, sign, verify', async () => {
    await main(['keys', 'create', path('owner')]);
    await main(['keys', 'show', path('owner'), path('owner.pub')]);
    const name = fingerprint(readPublicKey(path('owner.pub')));
    expect(said.slice(-2)).toEqual([`${path('owner')}: ${name}`, `${path('owner.pub')}: ${name}`]);
    writeFileSync(path('app.devs'), image);
    const signed = ['--key', path('owner'), '--out', path('app.signed.devs'), '--counter', '12'];
    await main(['keys', 'sign', path('app.devs'), ...signed]);
    await main(['keys', 'verify', path('app.signed.devs'), '--key', path('owner.pub')]);
    expect(said.at(-1)).toBe(`${path('app.signed.devs')}: signed by ${name}, counter 12`);
    expect(process.exitCode ?? 0).toBe(0);
    const { statement } = splitProgram(new Uint8Array(readFileSync(path('app.signed.devs'))));
    expect(statement && readStatement(statement)?.counter).toBe(12);
  });

  test('refusals are one line each, and an exit code', async () => {
    await main(['keys', 'create', path('owner')]);
    await main(['keys', 'create', path('stranger')]);
    writeFileSync(
      path('app.devs'),
      joinProgram(image, signProgram(image, privateKey, { counter: 1 })),
    );
    writeFileSync(path('plain.devs'), image);
    const cases: [string[], RegExp][] = [
      [['create', path('owner')], /is there already/],
      [['create', 'owner.key'], /private key in a project/],
      [['show', path('none')], /cannot be read/],
      [['verify', path('plain.devs'), '--key', path('owner.pub')], /is not signed;/],
      [['verify', path('app.devs'), '--key', path('owner.pub')], /is not signed by/],
      [['verify', path('none'), '--key', path('owner.pub')], /cannot be read/],
      [
        ['sign', path('app.devs'), '--key', path('owner.pub'), '--out', path('x')],
        /is a public key/,
      ],
    ];
    for (const [args, pattern] of cases) {
      process.exitCode = 0;
      said.length = 0;
      await main(['keys', ...args]);
      expect([args[0], said.length, process.exitCode]).toEqual([args[0], 1, 1]);
      expect(said[0]).toMatch(pattern);
    }
  });
});
