/**
 * npm run fuzz [-- --runs N] [--seed FIRST] [--target NAME]
 *
 * Throws damaged input at everything that reads files. Prints the seed of each finding; that seed
 * with --runs 1 makes it again. A case that runs for longer than a minute ends the program: a hang.
 */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { fuzz, targets, type Tally } from './run.ts';

const HANG_MS = 60_000;
/** Cases between two signs of life. */
const BATCH = 20;
/** Findings printed for one target; many are often the same defect. */
const SHOWN = 4;

interface Job {
  target: string;
  runs: number;
  first: number;
}

interface Progress {
  first: number;
  tally: Tally;
}

async function work(job: Job): Promise<void> {
  const target = targets.find(({ name }) => name === job.target);
  if (!target) throw new Error(`no target ${job.target}`);
  for (let done = 0; done < job.runs; done += BATCH) {
    const first = job.first + done;
    const tally = await fuzz(target, Math.min(BATCH, job.runs - done), first);
    parentPort?.postMessage({ first: first + BATCH, tally } satisfies Progress);
  }
}

/** Runs a target in a thread of its own, so that a case which does not end can be ended. */
function watch(job: Job): Promise<Tally> {
  const sum: Tally = { target: job.target, runs: 0, accepted: 0, refused: 0, findings: [] };
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./worker.mjs', import.meta.url), { workerData: job });
    let next = job.first;
    const stop = (): void => {
      sum.findings.push(`--target ${job.target} --seed ${next} --runs ${BATCH}: does not end`);
      void worker.terminate().then(() => resolve(sum));
    };
    let timer = setTimeout(stop, HANG_MS);
    worker.on('message', ({ first, tally }: Progress) => {
      clearTimeout(timer);
      timer = setTimeout(stop, HANG_MS);
      next = first;
      sum.runs += tally.runs;
      sum.accepted += tally.accepted;
      sum.refused += tally.refused;
      sum.findings.push(...tally.findings);
    });
    worker.on('error', reject);
    worker.on('exit', () => {
      clearTimeout(timer);
      resolve(sum);
    });
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
      target: { type: 'string', multiple: true, default: targets.map(({ name }) => name) },
    },
  });
  for (const target of values.target) {
    const tally = await watch({ target, runs: Number(values.runs), first: Number(values.seed) });
    console.log(
      `${target}: ${tally.runs} runs, ${tally.accepted} accepted, ${tally.refused} refused, ` +
        `${tally.findings.length} findings`,
    );
    for (const finding of tally.findings.slice(0, SHOWN)) console.error(finding);
    if (tally.findings.length > 0) process.exitCode = 1;
  }
}

if (isMainThread) await main();
else await work(workerData as Job);
