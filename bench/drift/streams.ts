import type { Random } from '../../test/support/random.ts';

/** What the learner reports about one window. */
export interface Prediction {
  /** ln(p1 / p2), in nats. */
  margin: number;
  /** Softmax probability of the winner, 0..1. */
  confidence: number;
  /** Softmax entropy as a share of its maximum, 0..1. */
  entropy: number;
}

/** The predictions of one model, which never heard `stranger`, on every clip of every speaker. */
export interface Listening {
  stranger: string;
  bySpeaker: Map<string, Prediction[]>;
}

/** Windows of the known speaker before the new one begins. */
export const KNOWN_WINDOWS = 200;

/** Shuffled passes through all clips: a clip comes again only when all others have come. */
export function drawStream(clips: readonly Prediction[], windows: number, random: Random) {
  const stream: Prediction[] = [];
  while (stream.length < windows) stream.push(...shuffled(clips, random));
  return stream.slice(0, windows);
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [copy[i], copy[j]] = [copy[j] as T, copy[i] as T];
  }
  return copy;
}

/** Speakers that the model knows. */
export function knownSpeakers(listening: Listening): string[] {
  return [...listening.bySpeaker.keys()].filter((name) => name !== listening.stranger);
}

export function clipsOf(listening: Listening, speaker: string): Prediction[] {
  const clips = listening.bySpeaker.get(speaker);
  if (clips === undefined) throw new Error(`no clips of ${speaker}`);
  return clips;
}

export interface ChangeStream {
  known: string;
  stranger: string;
  windows: Prediction[];
}

/** A random known speaker for KNOWN_WINDOWS windows, then a random speaker that the model never heard. */
export function drawChange(
  listenings: readonly Listening[],
  windowsAfter: number,
  random: Random,
): ChangeStream {
  const listening = random.pick(listenings);
  const known = random.pick(knownSpeakers(listening));
  const windows = [
    ...drawStream(clipsOf(listening, known), KNOWN_WINDOWS, random),
    ...drawStream(clipsOf(listening, listening.stranger), windowsAfter, random),
  ];
  return { known, stranger: listening.stranger, windows };
}
