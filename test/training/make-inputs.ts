/**
 * Writes what test/training/make_reference.py needs: quantised windows of real words with their
 * labels, and adapters to start from, as the engine makes them.
 *
 *     npx tsx test/training/make-inputs.ts && python3 test/training/make_reference.py
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { compileModel } from '../../compiler/compile.ts';
import { Engine } from '../../sim/engine.ts';
import { loadRecordings } from '../../sim/recordings.ts';
import { dataPath } from '../support/data.ts';
import { Random } from '../support/random.ts';
import { GOLDEN, METHODS, modelPath, type CaseGroup, type CaseName } from './cases.ts';

const SOURCES = {
  digits: { data: 'audio/fsdd', rate: 8000, speaker: 'nicolas' },
  kws: { data: 'audio/speech_commands', rate: 16000, speaker: '37dca74f' },
} as const;
const TAKES = 2;

async function writeCase(name: CaseName): Promise<void> {
  const source = SOURCES[name];
  const engine = await Engine.load(modelPath(name));
  const clips = loadRecordings(dataPath(source.data), source.rate).filter(
    (clip) => clip.speaker === source.speaker && engine.labels.includes(clip.label),
  );
  const chosen = engine.labels.flatMap((label) =>
    clips.filter((clip) => clip.label === label).slice(0, TAKES),
  );
  const inputs = chosen.flatMap((clip) => [...engine.features(clip.pcm)]);
  writeFileSync(`${GOLDEN}/${name}.inputs.i8`, Int8Array.from(inputs));
  const labels = chosen.map((clip) => engine.labels.indexOf(clip.label));
  const adapters: Record<string, unknown> = {};
  for (const method of METHODS) {
    const groups = groupsOf(name, method);
    const { training } = await Engine.load(modelPath(name), { adapter: { method } });
    training.reset(1);
    adapters[method] = {
      groups,
      start: hex(training.save().slice(24)),
      busy: hex(busyPayload(training.save().slice(24), groups)),
    };
  }
  const text = JSON.stringify({ labels, adapters });
  writeFileSync(`${GOLDEN}/${name}.inputs.json`, `${text}\n`);
}

function groupsOf(name: CaseName, method: (typeof METHODS)[number]): CaseGroup[] {
  const file = modelPath(name);
  const { training } = compileModel(readFileSync(file), file, { adapter: { method } });
  const plan = training?.build(() => 0).values[0] as unknown as {
    groups: { values: CaseGroup[]; comments: string[] };
  };
  return plan.groups.values.map((group, i) => ({
    name: plan.groups.comments[i] ?? '',
    rows: group.rows,
    columns: group.columns,
    first: group.first,
    unit: group.unit,
  }));
}

/** An adapter in use: every parameter random, of a size that moves the logits. */
function busyPayload(start: Uint8Array, groups: CaseGroup[]): Uint8Array {
  const random = new Random(7);
  const payload = new Int8Array(start);
  groups.forEach((group, g) => {
    if (payload[g] !== 12) return; // those that start at zero do
    payload[g] = 9;
    const first = groups.length + group.first;
    for (let i = 0; i < group.rows * group.columns; i++)
      payload[first + i] = random.between(-25, 25);
  });
  const parameters = groups.reduce((sum, group) => sum + group.rows * group.columns, 0);
  const constants = payload.subarray(groups.length + parameters);
  for (let j = 0; j < constants.length / 2; j++) {
    constants[j] = random.between(-128, -80);
    constants[constants.length / 2 + j] = random.between(8, 40);
  }
  return new Uint8Array(payload.buffer);
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

mkdirSync(GOLDEN, { recursive: true });
await writeCase('digits');
await writeCase('kws');
