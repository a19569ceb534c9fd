/** The voices of a long run, and the fixed set of words that no adapter ever learns from. */
import { Engine } from '../../sim/engine.ts';
import { DEFAULT_MODEL } from '../../sim/model-engine.ts';
import { loadRecordings, type Recording } from '../../sim/recordings.ts';
import { demoVoices, speedUp } from '../../sim/voices.ts';
import { INSTALLER, OWNER, VISITOR } from './plan.ts';

export const RATE = 8000;

/** A voice is one of the demo's, played so much faster. */
const VOICES: Record<string, { from: string; speed: number }> = {
  [INSTALLER]: { from: 'flite-awb', speed: 1 },
  [OWNER[0]]: { from: 'flite-rms', speed: 1.7 },
  [OWNER[1]]: { from: 'flite-rms', speed: 1.6 },
  [OWNER[2]]: { from: 'flite-rms', speed: 1.8 },
  [VISITOR]: { from: 'flite-awb', speed: 1.3 },
};

/** The first takes are said when the board asks for words; from here on they are held out. */
const FIRST_HELD_OUT_TAKE = 8;

/** All recordings, each voice under its name. */
export async function recordVoices(): Promise<Recording[]> {
  const demo = loadRecordings(await demoVoices(), RATE);
  return Object.entries(VOICES).flatMap(([speaker, { from, speed }]) =>
    demo
      .filter((clip) => clip.speaker === from)
      .map((clip) => ({
        ...clip,
        speaker,
        pcm: speed === 1 ? clip.pcm : speedUp(clip.pcm, speed),
      })),
  );
}

/** Measures adapters on the owner's held-out words, in all conditions of that voice. */
export class Judge {
  /** Accuracy of the base model, 0..1. */
  readonly base: number;
  private readonly known = new Map<string, number>();

  static async create(recordings: Recording[]): Promise<Judge> {
    const engine = await Engine.load(DEFAULT_MODEL, { adapter: { method: 'skip' } });
    const owner = recordings.filter(
      ({ speaker, take }) =>
        (OWNER as readonly string[]).includes(speaker) && take >= FIRST_HELD_OUT_TAKE,
    );
    const words = owner.map(({ pcm, label }) => ({
      input: engine.features(pcm).slice(),
      label: engine.labels.indexOf(label),
    }));
    return new Judge(engine, words);
  }

  private constructor(
    private readonly engine: Engine,
    private readonly words: { input: Int8Array; label: number }[],
  ) {
    this.base = this.measure();
  }

  /** Share of the held-out words that are right with a saved adapter, 0..1. */
  accuracy(blob: Uint8Array): number {
    const key = Buffer.from(blob).toString('base64');
    let accuracy = this.known.get(key);
    if (accuracy === undefined) {
      this.engine.training.load(blob);
      accuracy = this.measure();
      this.known.set(key, accuracy);
    }
    return accuracy;
  }

  /** Words in the held-out set. */
  get count(): number {
    return this.words.length;
  }

  private measure(): number {
    const right = this.words.filter(({ input, label }) => this.engine.infer(input).class === label);
    return right.length / this.words.length;
  }
}
