/**
 * The golden deltas: what format and coders must go on giving, and what the device must read.
 * `npx tsx test/fleet/golden.ts` writes them anew, for a new version of the format.
 *
 * *.adapter are saved adapters of models/digits/digits.tflite: skip after five takes of each word of
 * the demo's new speaker, base after three, head after five.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readBlob, writeBlob } from '../../fleet/blob.ts';
import { decodePayload } from '../../fleet/coding.ts';
import { packDelta, type PackOptions, readDelta, signDelta } from '../../fleet/delta.ts';
import { publicKeyFrom } from '../../fleet/keys.ts';

const folder = new URL('../golden/delta/', import.meta.url);

export const readGolden = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(name, folder)));

/** Before the 32 bytes of a private key in PKCS #8. */
const PKCS8_HEADER = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The key of RFC 8032, section 7.1, test 1: printed there for everybody. */
export const RFC_SECRET = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';
export const RFC_PUBLIC = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';

export function privateKeyFrom(secret: string): KeyObject {
  const key = Buffer.concat([PKCS8_HEADER, Buffer.from(secret, 'hex')]);
  return createPrivateKey({ key, type: 'pkcs8', format: 'der' });
}

export const owner = privateKeyFrom(RFC_SECRET);
export const ownerPublic = publicKeyFrom(Buffer.from(RFC_PUBLIC, 'hex'));

const base = (): Uint8Array => readGolden('base.adapter');

/** The base with a dozen parameters changed: what sparse is for. */
export function nearBase(): Uint8Array {
  const adapter = readBlob(base());
  if (typeof adapter === 'string') throw new Error(adapter);
  const payload = adapter.payload.slice();
  for (let i = 0; i < 12; i++) payload[300 * i + 7] = 17 * i + 1;
  return writeBlob({ ...adapter, payload });
}

interface GoldenDelta {
  blob: Uint8Array;
  base?: Uint8Array;
  options: PackOptions;
}

/** What each file is made of. */
export function goldenDeltas(): Record<string, GoldenDelta> {
  const skip = readGolden('skip.adapter');
  const head = readGolden('head.adapter');
  return {
    'raw.delta': { blob: skip, options: { counter: 1, coding: 'raw', name: 'child', slot: 0 } },
    'entropy.delta': { blob: skip, options: { counter: 2, coding: 'entropy', name: 'child' } },
    'base.delta': {
      blob: skip,
      base: base(),
      options: { counter: 3, coding: 'entropy', name: 'child, more takes', slot: 1 },
    },
    'sparse.delta': {
      blob: nearBase(),
      base: base(),
      options: { counter: 4, coding: 'sparse', slot: 7, device: '0123456789abcdef' },
    },
    'head.delta': {
      blob: head,
      options: { counter: 0xffffffff, coding: 'entropy', name: 'Zoë, größter Kopf ☃' },
    },
  };
}

/** A golden file made anew. */
export function makeDelta({ blob, base, options }: GoldenDelta): Uint8Array {
  return signDelta(packDelta(blob, 'golden', { ...options, base }), 'golden', owner);
}

/** What a file takes, as docs/delta.md has it. */
function sizes(name: string, bytes: Uint8Array): string {
  const { coding, payload, decodedBytes } = readDelta(bytes, name);
  const content = decodePayload(coding, payload, decodedBytes) ?? [];
  const present = content.filter((byte) => byte !== 0).length;
  return (
    `${name}: ${bytes.length} bytes; ${coding}, ${payload.length} bytes for ${decodedBytes}, ` +
    `${present} of them not 0`
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, one] of Object.entries(goldenDeltas())) {
    const bytes = makeDelta(one);
    writeFileSync(new URL(name, folder), bytes);
    console.log(sizes(name, bytes));
  }
}
