/**
 * The differential suite from the terminal:
 *
 *     tsx test/vm/main.ts show NAME…         runs on the official VM and prints
 *     tsx test/vm/main.ts record [NAME…]     runs on the official VM and keeps what it printed
 *     tsx test/vm/main.ts check [NAME…]      runs on the official VM and compares with what is kept
 *     tsx test/vm/main.ts run [NAME…]        runs on ours (--variant plain, asan, stress) and compares
 *     tsx test/vm/main.ts oom [NAME…]        lets each of the first --count allocations fail in turn
 *     tsx test/vm/main.ts random             programs of the generator, --from SEED --count N
 *     tsx test/vm/main.ts coverage           opcodes and natives that no program reaches
 *     tsx test/vm/main.ts fuzz               damaged images, --minutes N --seed N
 */
import { parseArgs } from 'node:util';
import { buildHost, type HostVariant } from '../../tools/native/host-vm.mjs';
import { formatRun, imageOf, programNames, writeGolden } from './corpus.ts';
import { measureCoverage } from './coverage.ts';
import { runOfficial } from './official.ts';
import {
  checkGolden,
  compareRandom,
  compareWithGolden,
  failAllocations,
  fuzzImages,
  type Outcome,
} from './suite.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    variant: { type: 'string', default: 'plain' },
    from: { type: 'string', default: '1' },
    count: { type: 'string', default: '100' },
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
  },
});
const [verb = '', ...given] = positionals;
const names = given.length > 0 ? given : programNames();

function report({ runs, failures }: Outcome): void {
  for (const { program, difference } of failures) console.error(`${program}: ${difference}`);
  console.log(`${runs - failures.length} of ${runs} as expected`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}

function range(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => from + i);
}

async function official(keep: boolean): Promise<void> {
  for (const name of names) {
    const text = formatRun(await runOfficial(imageOf(name)));
    if (keep) writeGolden(name, text);
    else console.log(`${name}\n${text}`);
  }
  console.log(`${names.length} programs`);
}

const verbs: Record<string, () => Promise<void>> = {
  show: () => official(false),
  record: () => official(true),
  check: async () => report(await checkGolden(names)),
  run: async () =>
    report(await compareWithGolden(await buildHost(values.variant as HostVariant), names)),
  oom: async () => {
    report(await failAllocations(await buildHost('asan'), names, range(1, Number(values.count))));
  },
  random: async () => {
    const seeds = range(Number(values.from), Number(values.count));
    report(await compareRandom(await buildHost('asan'), seeds));
  },
  coverage: async () => console.log(await measureCoverage(await buildHost('trace'))),
  fuzz: async () => {
    const options = { seconds: 60 * Number(values.minutes), seed: Number(values.seed) };
    console.log(await fuzzImages(await buildHost('fuzz'), options));
  },
};

const action = verbs[verb];
if (action === undefined) {
  console.error(`usage: tsx test/vm/main.ts ${Object.keys(verbs).join('|')}`);
  process.exit(1);
}
await action();
