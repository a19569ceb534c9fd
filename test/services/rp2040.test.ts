/** The modules as machine code of the board: same packets as the simulator, in time. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Microphone } from '../../sim/microphone.ts';
import { DEFAULT_MODEL } from '../../sim/model-engine.ts';
import { loadRecordings } from '../../sim/recordings.ts';
import { DEMO, demoVoices } from '../../sim/voices.ts';
import { SERVICE, ServicesBench } from './bench.ts';
import { ChipBench, type Poll } from './chip-bench.ts';
import type { Sent } from './device.ts';

const { learner, capture } = SERVICE;
const RATE = 8000;
const BLOCK_MS = 20;
const CLOCK_KHZ = 125_000;
/** What happens at which block. */
const SCRIPT: Record<number, [service: number, command: number, payload: number[]]> = {
  5: [capture, 0x2006, [0, -60 & 255]],
  100: [learner, 0x81, [0, 0, 0, 0, 7, 0, 0]], // remember as a 7
  101: [learner, 0x82, [1, 0, 0, 0, 0, 0, 0, 0]], // train a step
  130: [learner, 0x88, [2]], // save
  131: [learner, 0x80, []], // infer
  132: [learner, 0x89, [2]], // load
};
const BLOCKS = 150;

let microphone: () => Microphone;

beforeAll(async () => {
  const clips = loadRecordings(await demoVoices(), RATE);
  const clip = clips.find(({ speaker, label }) => speaker === DEMO.new && label === '7');
  microphone = () => {
    const heard = new Microphone(RATE);
    if (clip !== undefined) heard.play({ at: 500, ...clip });
    return heard;
  };
});

const linesOf = (sent: Sent[]): string[] =>
  sent
    .filter(({ service }) => service <= capture)
    .map(({ kind, code, payload }) => `${kind} ${code} ${payload.toString('hex')}`);

async function onChip(): Promise<{ lines: string[]; polls: Poll[] }> {
  const bench = await ChipBench.create(DEFAULT_MODEL);
  const heard = microphone();
  const samples = (RATE * BLOCK_MS) / 1000;
  for (let block = 0; block < BLOCKS; block++) {
    const todo = SCRIPT[block];
    if (todo !== undefined) bench.send(todo[0], todo[1], Buffer.from(todo[2]));
    bench.block(heard.read(block * samples, (block + 1) * samples));
  }
  return { lines: linesOf(bench.sent), polls: bench.polls };
}

async function inSimulator(): Promise<string[]> {
  const bench = await ServicesBench.create({ model: DEFAULT_MODEL, microphone: microphone() });
  for (let block = 0; block < BLOCKS; block++) {
    const todo = SCRIPT[block];
    if (todo !== undefined) bench.send(todo[0], todo[1], Buffer.from(todo[2]));
    bench.run((block + 1) * BLOCK_MS * 1000);
  }
  return linesOf(bench.take());
}

describe('on the emulated RP2040', () => {
  it('the modules say the same, no poll takes too long, and their estimates are right', async () => {
    const { lines, polls } = await onChip();
    expect(lines).toEqual(await inSimulator());
    // loud, quiet, window, prediction, remember, train, done, save, infer, load
    expect(lines.length).toBeGreaterThanOrEqual(10);
    const longest = Math.max(...polls.map(({ real }) => real));
    expect(longest).toBeGreaterThan(5 * CLOCK_KHZ);
    expect(longest).toBeLessThan(25 * CLOCK_KHZ);
    const sum = (part: (poll: Poll) => number): number => polls.reduce((a, p) => a + part(p), 0);
    const ratio = sum(({ real }) => real) / sum(({ told }) => told);
    expect(ratio).toBeGreaterThan(0.9);
    expect(ratio).toBeLessThan(1.15);
  }, 600_000);
});
