/**
 * What the detectors cost on the official VM, in bytecode instructions a window: the VM stops a
 * program after 131,072 instructions without a pause, so the number of windows until then tells.
 *
 *     npx tsx bench/drift/cost.ts
 */
import { runOnVm } from '../../test/src/vm.ts';

const LIMIT = 131_072;
const DETECTORS = ['PageHinkley', 'Ddm', 'Adwin'];
/** Windows before the count starts, enough to fill ADWIN's buckets. */
const FILL = 1500;
/** Windows between two signs of life. */
const EVERY = 4;

/** Windows that fit between two pauses. */
async function windowsBeforeStop(name: string, setup: string, push: string): Promise<number> {
  const source = `
import { ${DETECTORS.join(', ')}, FALLS } from 'lib/drift';
${setup}
let sum = 0;
for (let i = 0; i < ${FILL}; i++) {
  const x = (i * 7919) % 13;
  ${push}
  if (i % 4 === 0) await ds.sleep(1);
}
await ds.sleep(1);
for (let i = 0; i < 1000000; i++) {
  const x = (i * 7919) % 13;
  ${push}
  if (i % ${EVERY} === 0) console.log(i);
}
console.log(sum);`;
  try {
    await runOnVm(`cost-${name}`, source);
  } catch (error) {
    const lines = [...String(error).matchAll(/^WASM> (\d+)$/gm)];
    return Number(lines.at(-1)?.[1]) + EVERY / 2;
  }
  throw new Error('the VM no longer stops programs that do not pause');
}

const empty =
  LIMIT / (await windowsBeforeStop('empty', 'new Ddm({ direction: FALLS }).reset();', 'sum += x;'));
for (const detector of DETECTORS) {
  const setup = `const detector = new ${detector}({ direction: FALLS });`;
  const windows = await windowsBeforeStop(detector, setup, 'if (detector.push(x)) sum++;');
  console.log(`${detector}: ${Math.round(LIMIT / windows - empty)} instructions a window`);
}
