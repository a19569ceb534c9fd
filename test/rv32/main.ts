/**
 * The differential suite on the core of the ESP32-C3: every program of test/vm/programs runs under
 * QEMU's riscv32 `virt` machine and must print what the official VM printed.
 * Then a program is deployed over the serial line, as `retune deploy --serial` does it, and the
 * instructions that the bench counts are compared with QEMU's.
 *
 *     npm run test:rv32 [NAME…]
 *
 * Needs QEMU, see INSTALL in qemu.ts.
 */
import { cpus } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { deployImage } from '../../sim/deploy.ts';
import { compileSource } from '../vm/compiler.ts';
import { firstDifference, goldenOf, imageOf, programNames } from '../vm/corpus.ts';
import { buildRv32 } from './build.ts';
import { compareCounts } from './counts.ts';
import { INSTALL, qemuVersion, runRv32, withRv32Board } from './qemu.ts';

/** Ours says which panic it was as a console line; the official VM says so elsewhere. */
function withoutReport(text: string): string {
  const lines = text.split('\n').map((line) => line.trimEnd());
  return lines.filter((line) => !/^! (PANIC|program refused)/.test(line)).join('\n');
}

/** What is wrong with a program's output; undefined when nothing is. */
async function check(elf: string, name: string): Promise<string | undefined> {
  const expected = goldenOf(name);
  if (expected === undefined) return 'not recorded: tsx test/vm/main.ts record';
  try {
    const { text } = await runRv32(elf, imageOf(name));
    return firstDifference(expected, withoutReport(text));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const DEPLOYED = `import { delay } from '@devicescript/core';
for (let i = 0; ; i++) {
  console.log('deployed', i);
  await delay(100);
}
`;

/** Real milliseconds in which a deployed program has to be heard. */
const HEARD_MS = 60_000;

/** Deploys over the serial line; resolves when the program's third line arrives. */
async function checkDeploy(elf: string): Promise<void> {
  const { image } = compileSource(DEPLOYED, { restart: false });
  let hear: () => void = () => undefined;
  const heard = new Promise<void>((resolve) => (hear = resolve));
  const onLine = (line: string): void => {
    if (line === '> deployed 2') hear();
  };
  await withRv32Board(elf, onLine, async (open) => {
    await deployImage(image, open, { timeout: HEARD_MS / 1000 });
    const failure = new AbortController();
    const late = wait(HEARD_MS, undefined, { signal: failure.signal }).then(() => {
      throw new Error('the deployed program is not heard');
    });
    await Promise.race([heard, late]).finally(() => failure.abort());
  });
}

async function main(names: string[]): Promise<number> {
  const version = qemuVersion();
  if (version === undefined) {
    console.error(INSTALL);
    return 1;
  }
  const { elf, code } = await buildRv32();
  console.log(`RV32IMC firmware: ${code} bytes of code and constants; QEMU ${version}`);
  const all = names.length > 0 ? names : programNames();
  const queue = [...all];
  let failed = 0;
  const worker = async (): Promise<void> => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      const difference = await check(elf, name);
      if (difference === undefined) continue;
      failed++;
      console.error(`${name}: ${difference}`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(4, cpus().length) }, worker));
  console.log(`${all.length - failed} of ${all.length} programs print what the official VM does`);
  if (names.length === 0) {
    await checkDeploy(elf);
    console.log('a program deployed over the serial line runs');
    const { instructions, calls, differences } = await compareCounts();
    differences.forEach((difference) => console.error(difference));
    failed += differences.length;
    console.log(`the bench counts what QEMU does: ${calls} calls, ${instructions} instructions`);
  }
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
