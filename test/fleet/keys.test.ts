import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createKeys,
  fingerprint,
  publicKeyFrom,
  rawPublicKey,
  readPrivateKey,
  readPublicKey,
  signMessage,
  verifyMessage,
} from '../../fleet/keys.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'retune-keys-'));
  file = join(folder, 'owner.key');
});
afterEach(() => rmSync(folder, { recursive: true }));

const text = (words: string): Uint8Array => new TextEncoder().encode(words);
const mode = (path: string): number => statSync(path).mode & 0o777;

describe('key files', () => {
  test('a pair is written, the private half for its owner alone', () => {
    // whatever the mask of the shell is
    const before = process.umask(0);
    try {
      createKeys(file);
    } finally {
      process.umask(before);
    }
    expect([mode(file), mode(`${file}.pub`)]).toEqual([0o600, 0o644]);
    const signature = signMessage(text('abc'), readPrivateKey(file));
    expect(signature).toHaveLength(64);
    const publicKey = readPublicKey(`${file}.pub`);
    expect(verifyMessage(text('abc'), signature, publicKey)).toBe(true);
    expect(verifyMessage(text('abd'), signature, publicKey)).toBe(false);
    expect(verifyMessage(text('abc'), signature.subarray(1), publicKey)).toBe(false);
  });

  test('two pairs differ', () => {
    createKeys(file);
    createKeys(join(folder, 'other.key'));
    const raw = [file, join(folder, 'other.key')].map((name) => rawPublicKey(readPublicKey(name)));
    expect(raw[0]).not.toEqual(raw[1]);
  });

  test('the public half is read from either file', () => {
    createKeys(file);
    const raw = rawPublicKey(readPublicKey(`${file}.pub`));
    expect(rawPublicKey(readPublicKey(file))).toEqual(raw);
    expect(rawPublicKey(readPrivateKey(file))).toEqual(raw);
    expect(rawPublicKey(publicKeyFrom(raw))).toEqual(raw);
  });

  test('nothing is replaced', () => {
    createKeys(file);
    const before = readFileSync(file, 'utf8');
    expect(() => createKeys(file)).toThrow(/owner\.key: is there already/);
    expect(readFileSync(file, 'utf8')).toBe(before);
    writeFileSync(join(folder, 'new.key.pub'), 'mine');
    expect(() => createKeys(join(folder, 'new.key'))).toThrow(/new\.key\.pub: is there already/);
    expect(existsSync(join(folder, 'new.key'))).toBe(false);
    expect(readFileSync(join(folder, 'new.key.pub'), 'utf8')).toBe('mine');
  });

  test('a folder that is missing is made; one that cannot be is an error', () => {
    createKeys(join(folder, 'a/b/owner.key'));
    expect(mode(join(folder, 'a/b/owner.key'))).toBe(0o600);
    writeFileSync(join(folder, 'plain'), '');
    expect(() => createKeys(join(folder, 'plain/owner.key'))).toThrow(/cannot be written/);
  });

  for (const others of [0o640, 0o604, 0o660, 0o601]) {
    test(`a private key of mode ${others.toString(8)} is refused`, () => {
      createKeys(file);
      chmodSync(file, others);
      expect(() => readPrivateKey(file)).toThrow(/others can read.*chmod 600/);
      expect(() => readPublicKey(file)).toThrow(/others can read/);
      expect(readPublicKey(`${file}.pub`).type).toBe('public');
    });
  }

  for (const marker of ['.git', 'devicescript.json', 'devsconfig.json']) {
    test(`a private key below a folder with ${marker} is refused`, () => {
      createKeys(file);
      const project = join(folder, 'project');
      mkdirSync(join(project, 'deep'), { recursive: true });
      writeFileSync(join(project, marker), '');
      expect(() => createKeys(join(project, 'deep/a.key'))).toThrow(/private key in a project/);
      expect(existsSync(join(project, 'deep/a.key'))).toBe(false);
      writeFileSync(join(project, 'deep/b.key'), readFileSync(file), { mode: 0o600 });
      expect(() => readPrivateKey(join(project, 'deep/b.key'))).toThrow(/private key in a project/);
      // by way of links, in or out
      symlinkSync(join(project, 'deep'), join(folder, 'link'));
      expect(() => createKeys(join(folder, 'link/c.key'))).toThrow(/private key in a project/);
      symlinkSync(join(project, 'deep/b.key'), join(folder, 'd.key'));
      expect(() => readPrivateKey(join(folder, 'd.key'))).toThrow(/private key in a project/);
      symlinkSync(file, join(project, 'e.key'));
      expect(() => readPrivateKey(join(project, 'e.key'))).toThrow(/private key in a project/);
      // a public key may lie there
      writeFileSync(join(project, 'owner.pub'), readFileSync(`${file}.pub`));
      expect(readPublicKey(join(project, 'owner.pub')).type).toBe('public');
    });
  }

  const pem = (key: KeyObject, type: 'pkcs8' | 'spki'): string =>
    key.export({ type, format: 'pem' }).toString();

  test('what is no key is an error that names the file', () => {
    const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const secret = generateKeyPairSync('ed25519').privateKey;
    const encrypted = secret.export({
      ...{ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
    });
    const cases: [string, RegExp, RegExp][] = [
      ['', /is no private key/, /is no public key/],
      ['hello\n', /is no private key/, /is no public key/],
      [pem(p256.privateKey, 'pkcs8'), /for ec, not Ed25519/, /for ec, not Ed25519/],
      [pem(p256.publicKey, 'spki'), /is a public key/, /for ec, not Ed25519/],
      [encrypted.toString(), /is encrypted/, /is encrypted/],
      [pem(createPublicKey(secret), 'spki').slice(0, 60), /public key/, /is no public key/],
      ['x'.repeat(20000), /is no key file/, /is no key file/],
    ];
    for (const [content, asPrivate, asPublic] of cases) {
      writeFileSync(file, content, { mode: 0o600 });
      expect(() => readPrivateKey(file)).toThrow(asPrivate);
      expect(() => readPublicKey(file)).toThrow(asPublic);
      expect(() => readPrivateKey(file)).toThrow(/owner\.key: /);
    }
    expect(() => readPrivateKey(join(folder, 'none'))).toThrow(/none: .*ENOENT.*keys create/);
    expect(() => readPrivateKey(folder)).toThrow(/is no key file/);
    expect(() => publicKeyFrom(new Uint8Array(31))).toThrow(/32 bytes, not 31/);
  });

  test('a fingerprint is of the raw key', () => {
    const raw = Uint8Array.from({ length: 32 }, (_, i) => i);
    // sha256sum of the bytes 0 to 31
    expect(fingerprint(raw)).toBe('630d-cd29-66c4-3366-9112-5448-bbb2-5b4f');
    expect(fingerprint(publicKeyFrom(raw))).toBe(fingerprint(raw));
  });
});

describe('signatures', () => {
  // RFC 8032, 7.1, tests 1 to 3
  const VECTORS = [
    [
      '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      '',
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    ],
    [
      '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
      '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
      '72',
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    ],
    [
      'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
      'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
      'af82',
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
    ],
  ] as const;

  test('RFC 8032', () => {
    for (const [secret, publicHex, message, signature] of VECTORS) {
      const body = Buffer.from(`302e020100300506032b657004220420${secret}`, 'hex');
      const key = `-----BEGIN PRIVATE KEY-----\n${body.toString('base64')}\n-----END PRIVATE KEY-----\n`;
      writeFileSync(file, key, { mode: 0o600 });
      const privateKey = readPrivateKey(file);
      expect(Buffer.from(rawPublicKey(privateKey)).toString('hex')).toBe(publicHex);
      const signed = signMessage(Buffer.from(message, 'hex'), privateKey);
      expect(Buffer.from(signed).toString('hex')).toBe(signature);
      rmSync(file);
    }
  });

  test('one bit changed anywhere is no signature', () => {
    createKeys(file);
    const key = readPrivateKey(file);
    const publicKey = readPublicKey(file);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.nat(), (message, at) => {
        const signature = signMessage(message, key);
        const flipped = (bytes: Uint8Array): Uint8Array => {
          const copy = bytes.slice();
          const bit = at % (8 * copy.length);
          copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7));
          return copy;
        };
        return (
          verifyMessage(message, signature, publicKey) &&
          !verifyMessage(flipped(message), signature, publicKey) &&
          !verifyMessage(message, flipped(signature), publicKey)
        );
      }),
      { numRuns: 200, seed: 1 },
    );
  });
});
