#!/usr/bin/env node
/**
 * Builds and checks native/. Needs only what npm ci installs, except --host-sanitizers (see there).
 *
 *   node tools/build-native.mjs                    builds sim/firmware.wasm
 *   node tools/build-native.mjs --check            rebuilds it and compares with the committed file
 *   node tools/build-native.mjs --thumb --rv32     compiles for the boards' cores, prints sizes
 *   node tools/build-native.mjs --host-sanitizers  runs test/native/*.c under ASan and UBSan
 *   node tools/build-native.mjs --host             the same, built by npm's zig: traps only
 */
import { checkWasm, writeWasm } from './native/wasm.mjs';

const ACTIONS = {
  '--check': checkWasm,
  '--thumb': async () => (await import('./native/targets.mjs')).buildTarget('thumb'),
  '--rv32': async () => (await import('./native/targets.mjs')).buildTarget('rv32'),
  '--host-sanitizers': async () => (await import('./native/host.mjs')).runHostTests(),
  '--host': async () => (await import('./native/host.mjs')).runHostTests({ useZig: true }),
};

async function main(args) {
  const unknown = args.find((arg) => !(arg in ACTIONS));
  if (unknown)
    throw new Error(`unknown option ${unknown}; know ${Object.keys(ACTIONS).join(', ')}`);
  if (args.length === 0) await writeWasm();
  for (const arg of args) await ACTIONS[arg]();
}

main(process.argv.slice(2)).catch((error) => {
  console.error(`build-native: ${error.message}`);
  process.exitCode = 1;
});
