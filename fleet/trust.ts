/** The manifest's "trust": whom a firmware trusts from the start (docs/security.md). */
import { resolve } from 'node:path';
import { RetuneError } from '../cli/error.ts';
import type { BuiltInTrust } from '../compiler/firmware-sources.ts';
import type { Manifest } from '../compiler/manifest.ts';
import { rawPublicKey, readPublicKey } from './keys.ts';

/** Undefined when the manifest names nobody. */
export function builtInTrust({ trust, file, root }: Manifest): BuiltInTrust | undefined {
  if (trust === undefined) return undefined;
  try {
    return { owner: rawPublicKey(readPublicKey(resolve(root, trust.owner))), lock: trust.lock };
  } catch (error) {
    if (error instanceof RetuneError) {
      throw new RetuneError(`${file}: field "trust.owner": ${error.message}`);
    }
    throw error;
  }
}
