import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

interface Abi {
  ops: { code: number; name: string; immediate: string[] }[];
}

export function readAbi(): Abi {
  return JSON.parse(readFileSync(join(root, 'native/vm/devicescript-abi.json'), 'utf8')) as Abi;
}

/** Names of the natives in the order of the generated table, without `rt_native_`. */
export function readNatives(): string[] {
  const table = readFileSync(join(root, 'native/vm/abi_natives.c'), 'utf8');
  return [...table.matchAll(/\{rt_native_(\w+),/g)].map(([, name]) => name as string);
}
