import { existsSync } from 'node:fs';
import { RetuneError } from '../cli/error.ts';
import { Engine } from './engine.ts';
import { DEFAULT_MODEL } from './model-engine.ts';
import { personalise } from './personalise.ts';
import { checkSpeakers, listSpeakers, loadRecordings, type Recording } from './recordings.ts';
import { knownWords, type Split, splitTakes } from './split.ts';

/** Adapter kinds that can be evaluated. */
export const METHODS = ['skip', 'lora', 'head'] as const;
export type Method = (typeof METHODS)[number];

export interface EvaluationOptions {
  /** Folder of recordings: NAME.s16 + NAME.csv, or WAV files in folders by label. */
  data: string;
  /**
   * A .tflite; `{subject}` in it stands for the speaker's name. Default: the digits model.
   */
  model?: string;
  method: Method;
  /** Rank of the adapter's low-rank matrices, 1..16; undefined: the method's default. */
  rank?: number;
  /** Training steps a speaker; undefined: the method's default. */
  steps?: number;
  /** Takes of each word to learn from. */
  shots: number;
  /** Seed of augmentation, sample order and stochastic rounding. */
  seed: number;
  /** Only these speakers; undefined: all in the folder. */
  speakers?: string[];
  /** Called after every speaker. */
  onResult?: (result: SubjectResult) => void;
}

export interface SubjectResult {
  subject: string;
  /** Share of test clips recognised by the frozen model, 0..1. */
  before: number;
  /** The same with the adapter that the device kept. */
  after: number;
  steps: number;
  trainClips: number;
  testClips: number;
  /** The check before saving found the adapter no better and put the old one back. */
  refused: boolean;
}

export interface Evaluation {
  task: 'keyword';
  method: Method;
  rank: number;
  shots: number;
  seed: number;
  /** Size of a saved adapter. */
  adapterBytes: number;
  /** Peak of the engine's planned memory, inference and training. */
  arenaBytes: number;
  /** Memory of the remembered windows, beside the arena. */
  windowBytes: number;
  results: SubjectResult[];
  /** Means over speakers. */
  mean: { before: number; after: number };
  /** Accuracies over all test clips of all speakers. */
  overall: { before: number; after: number; clips: number };
  /** Speakers whose adapter the check refused. */
  refused: number;
}

/** Labelled windows that an engine can be made for; compiler/adapter.ts. */
const MOST_WINDOWS = 4096;

function modelFor(pattern: string, subject: string): string {
  const file = pattern.replaceAll('{subject}', subject);
  if (!existsSync(file)) {
    const hint = pattern.includes('{subject}')
      ? `there is no model for speaker ${subject}; name others with --speakers`
      : 'give the path of a .tflite with --model';
    throw new RetuneError(`${file}: no such file; ${hint}`);
  }
  return file;
}

function chooseSpeakers({ data, speakers }: EvaluationOptions): string[] {
  const present = listSpeakers(data);
  checkSpeakers(data, speakers ?? [], present);
  return speakers ?? present;
}

function loadEngine(
  options: EvaluationOptions,
  subject: string,
  windows?: number,
): Promise<Engine> {
  const { method, rank, model = DEFAULT_MODEL } = options;
  return Engine.load(modelFor(model, subject), { adapter: { method, rank, windows } });
}

function splitSubject(
  engine: Engine,
  subject: string,
  clips: Recording[],
  options: EvaluationOptions,
): Split<Recording> {
  const words = knownWords(clips, engine.labels, `${options.data}: speaker ${subject}`);
  const split = splitTakes(clips, words, options.shots);
  if (split.test.length > 0 && split.train.length <= MOST_WINDOWS) return split;
  const what = split.test.length > 0 ? `more than ${MOST_WINDOWS} takes to learn` : 'no takes left';
  throw new RetuneError(
    `${options.data}: speaker ${subject} has ${what}; lower --shots or add takes`,
  );
}

function evaluateSubject(
  engine: Engine,
  subject: string,
  { train, test }: Split<Recording>,
  options: EvaluationOptions,
): SubjectResult {
  const numbered = (clip: Recording): number => engine.labels.indexOf(clip.label);
  const inputs = test.map((clip) => ({ input: engine.features(clip.pcm), label: numbered(clip) }));
  const accuracy = (): number =>
    inputs.filter(({ input, label }) => engine.infer(input).class === label).length / inputs.length;

  const before = accuracy();
  const outcome = personalise(
    engine,
    train.map((clip) => ({ pcm: clip.pcm, label: numbered(clip) })),
    { steps: options.steps, seed: options.seed },
  );
  return {
    subject,
    before,
    after: accuracy(),
    steps: outcome.steps,
    trainClips: train.length,
    testClips: test.length,
    refused: outcome.refused,
  };
}

const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

function summarise(
  options: EvaluationOptions,
  engine: Engine,
  results: SubjectResult[],
): Evaluation {
  const clips = results.reduce((sum, result) => sum + result.testClips, 0);
  const share = (key: 'before' | 'after'): number =>
    results.reduce((sum, result) => sum + result[key] * result.testClips, 0) / clips;
  return {
    task: 'keyword',
    method: options.method,
    rank: engine.rank,
    shots: options.shots,
    seed: options.seed,
    adapterBytes: engine.adapterBytes,
    arenaBytes: engine.arenaBytes,
    windowBytes: engine.windowBytes,
    results,
    mean: {
      before: mean(results.map((result) => result.before)),
      after: mean(results.map((result) => result.after)),
    },
    overall: { before: share('before'), after: share('after'), clips },
    refused: results.filter((result) => result.refused).length,
  };
}

/**
 * Personalizes the model for every speaker of a folder in turn, each from the frozen base, with the
 * engine that goes on the board (as WebAssembly), and measures accuracy before and after.
 */
export async function evaluateKeyword(options: EvaluationOptions): Promise<Evaluation> {
  const speakers = chooseSpeakers(options);
  const results: SubjectResult[] = [];
  let engine: Engine | undefined;
  let recordings: Recording[] | undefined;
  for (const subject of speakers) {
    engine = await loadEngine(options, subject);
    recordings ??= loadRecordings(options.data, engine.sampleRate);
    const clips = recordings.filter((clip) => clip.speaker === subject);
    const split = splitSubject(engine, subject, clips, options);
    if (split.train.length > engine.training.capacity) {
      engine = await loadEngine(options, subject, split.train.length);
    }
    const result = evaluateSubject(engine, subject, split, options);
    results.push(result);
    options.onResult?.(result);
  }
  if (engine === undefined) throw new RetuneError(`${options.data}: no speakers; add recordings`);
  return summarise(options, engine, results);
}
