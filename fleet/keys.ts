/**
 * Ed25519 keys in files (docs/security.md): a private key signs deltas, programs and what an owner
 * tells a board; the public key is what a board trusts.
 *
 * Files are PEM, PKCS #8 and SPKI, as `openssl genpkey -algorithm ed25519` writes them. A private key
 * must be readable by its owner alone, and must not lie in a project: there it would be committed,
 * packed or deployed some day.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';
import {
  closeSync,
  existsSync,
  fchmodSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { oneLine, RetuneError } from '../cli/error.ts';

export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

/** Before the 32 bytes of a public key in DER: SEQUENCE { SEQUENCE { OID 1.3.101.112 } BIT STRING }. */
const SPKI_HEADER = Buffer.from('302a300506032b6570032100', 'hex');

/** Of everybody but the file's owner. */
const OTHERS_MODE = 0o077;

/** What makes a folder a project. */
const PROJECT_FILES = ['.git', 'devicescript.json', 'devsconfig.json'];

const LARGEST_KEY_FILE_BYTES = 16384;

/** Makes a key pair: `file`, which nobody else can read, and `file`.pub. Replaces nothing. */
export function createKeys(file: string): { publicFile: string; publicKey: KeyObject } {
  const publicFile = `${file}.pub`;
  refuseProject(file);
  for (const path of [file, publicFile]) {
    if (existsSync(path)) throw new RetuneError(`${path}: is there already; give another name`);
  }
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  try {
    mkdirSync(dirname(resolve(file)), { recursive: true, mode: 0o700 });
    writeNew(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), 0o600);
    writeNew(publicFile, publicKey.export({ type: 'spki', format: 'pem' }), 0o644);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new RetuneError(`${file}: the keys cannot be written (${code}); choose another folder`);
  }
  return { publicFile, publicKey };
}

/** Never into a file that has appeared meanwhile, and never readable before its mode is set. */
function writeNew(path: string, text: string | Buffer, mode: number): void {
  const file = openSync(path, 'wx', mode);
  try {
    fchmodSync(file, mode);
    writeFileSync(file, text);
  } catch (error) {
    unlinkSync(path);
    throw error;
  } finally {
    closeSync(file);
  }
}

/** Reads a private key, and refuses a file that others can read or that lies in a project. */
export function readPrivateKey(file: string): KeyObject {
  const text = readKeyFile(file, (mode) => {
    refuseProject(file);
    // Windows has no such modes; there the folder's rights are what protects the file.
    if (process.platform === 'win32' || (mode & OTHERS_MODE) === 0) return;
    const octal = (mode & 0o777).toString(8);
    throw new RetuneError(
      `${file}: others can read this private key (mode ${octal}); chmod 600 it, ` +
        'and make a new one if somebody may have',
    );
  });
  return parsePrivate(text, file);
}

/** Reads a public key; of a private key's file its public half. */
export function readPublicKey(file: string): KeyObject {
  const text = readKeyFile(file, () => undefined);
  if (text.includes('PRIVATE KEY')) return createPublicKey(readPrivateKey(file));
  try {
    return checkKind(createPublicKey(text), file);
  } catch (error) {
    if (error instanceof RetuneError) throw error;
    throw new RetuneError(`${file}: is no public key (${reasonOf(error)}); ${MAKE_ONE}`);
  }
}

const MAKE_ONE = '`retune keys create` makes a pair';

function parsePrivate(text: string, file: string): KeyObject {
  if (text.includes('ENCRYPTED PRIVATE KEY')) {
    throw new RetuneError(
      `${file}: is encrypted; decrypt it to a file of mode 600 (openssl pkey -in … -out …)`,
    );
  }
  if (text.includes('PUBLIC KEY')) {
    throw new RetuneError(`${file}: is a public key, the private one is needed to sign`);
  }
  try {
    return checkKind(createPrivateKey(text), file);
  } catch (error) {
    if (error instanceof RetuneError) throw error;
    throw new RetuneError(`${file}: is no private key (${reasonOf(error)}); ${MAKE_ONE}`);
  }
}

const reasonOf = (error: unknown): string =>
  oneLine(error instanceof Error ? error.message : String(error));

function checkKind(key: KeyObject, file: string): KeyObject {
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw new RetuneError(`${file}: is a key for ${key.asymmetricKeyType}, not Ed25519; ${MAKE_ONE}`);
}

/** The text; `check` gets the mode of the very file that is read. */
function readKeyFile(file: string, check: (mode: number) => void): string {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new RetuneError(`${file}: the key cannot be read (${code}); ${MAKE_ONE}`);
  }
  try {
    const { mode, size } = fstatSync(descriptor);
    if ((mode & 0o170000) !== 0o100000 || size > LARGEST_KEY_FILE_BYTES) {
      throw new RetuneError(`${file}: is no key file; ${MAKE_ONE}`);
    }
    const text = readFileSync(descriptor, 'utf8');
    if (text.includes('PRIVATE KEY')) check(mode);
    return text;
  } finally {
    closeSync(descriptor);
  }
}

/** The project that a folder lies in, undefined: none. Links are followed. */
function projectOf(start: string): string | undefined {
  let folder = resolve(start);
  while (!existsSync(folder)) folder = dirname(folder);
  folder = realpathSync(folder);
  for (;;) {
    if (PROJECT_FILES.some((name) => existsSync(join(folder, name)))) return folder;
    const above = dirname(folder);
    if (above === folder) return undefined;
    folder = above;
  }
}

/** Where the file is named, and where it is if that is a link. */
function refuseProject(file: string): void {
  const places = existsSync(file) ? [file, realpathSync(file)] : [file];
  const project = places
    .map((path) => projectOf(dirname(path)))
    .find((found) => found !== undefined);
  if (project === undefined) return;
  throw new RetuneError(
    `${file}: a private key in a project (${project}) would be committed one day; ` +
      `keep it elsewhere, for example ~/.config/retune/${basename(file)}`,
  );
}

/** The 32 bytes of a public key, which a board keeps. */
export function rawPublicKey(key: KeyObject): Uint8Array {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return Uint8Array.from(der.subarray(SPKI_HEADER.length));
}

/** The public key with these 32 bytes. */
export function publicKeyFrom(raw: Uint8Array): KeyObject {
  if (raw.length !== PUBLIC_KEY_BYTES) {
    throw new RetuneError(`a public key has ${PUBLIC_KEY_BYTES} bytes, not ${raw.length}`);
  }
  const key = Buffer.concat([SPKI_HEADER, raw]);
  return createPublicKey({ key, type: 'spki', format: 'der' });
}

/** A short name of a key, for people to compare: of the SHA-256 of its 32 bytes. */
export function fingerprint(key: KeyObject | Uint8Array): string {
  const raw = key instanceof Uint8Array ? key : rawPublicKey(key);
  const hex = createHash('sha256').update(raw).digest('hex').slice(0, 32);
  return hex.replace(/(.{4})(?=.)/g, '$1-');
}

export function signMessage(message: Uint8Array, privateKey: KeyObject): Uint8Array {
  return Uint8Array.from(sign(null, message, privateKey));
}

export function verifyMessage(
  message: Uint8Array,
  signature: Uint8Array,
  publicKey: KeyObject,
): boolean {
  return signature.length === SIGNATURE_BYTES && verify(null, message, publicKey, signature);
}
