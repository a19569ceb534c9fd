import type { EnergyReport } from '../compiler/energy.ts';
import type { Target } from './targets.ts';

/** What `--json` prints, one object a line. Times `t` are seconds of virtual time. */
export type StoryEvent =
  | WindowEvent
  | DriftEvent
  | EnrolEvent
  | BurstEvent
  | CheckEvent
  | SavedEvent
  | RebootEvent
  | LoadedEvent
  | SummaryEvent;

/** Part of the story a window belongs to. */
export type Phase = 'known' | 'new' | 'adapted';

export interface WindowEvent {
  event: 'window';
  t: number;
  /** Running number in the story, from 1; the device's own number starts again at a reboot. */
  index: number;
  phase: Phase;
  speaker: string;
  said: string;
  heard: string;
  right: boolean;
  /** Said because the device asked for it. Counts for accuracy only while nothing has been trained. */
  enrolling: boolean;
  /** Heard between the bursts of a training, with an adapter that nobody has checked; does not count. */
  training: boolean;
  confidence: number;
  margin: number;
  /** Drift statistic and its limit as the script sees them after this window. */
  statistic?: number;
  limit?: number;
}

export interface DriftEvent {
  event: 'drift';
  t: number;
  statistic: number;
  /** Windows of the new speaker heard so far; 0 when this is a false alarm. */
  windowsSinceChange: number;
  /** Further `key=value` pairs of the script's line. */
  details: Record<string, string>;
}

export interface EnrolEvent {
  event: 'enrol';
  t: number;
  /** `begin` from the script; `end` when the burst begins. */
  state: 'begin' | 'end';
  words: number;
  takes: number;
  /** Windows labelled so far. */
  remembered: number;
}

export interface BurstEvent {
  event: 'burst';
  t: number;
  state: 'begin' | 'progress' | 'end' | 'undone';
  step: number;
  steps: number;
  loss: number;
  /** Millijoules of this burst so far. */
  energy: number;
  reason?: string;
}

export interface CheckEvent {
  event: 'check';
  t: number;
  heldOut: number;
  before: number;
  after: number;
  lossBefore: number;
  lossAfter: number;
}

export interface SavedEvent {
  event: 'saved';
  t: number;
  slot: number;
  bytes: number;
}

export interface RebootEvent {
  event: 'reboot';
  t: number;
}

export interface LoadedEvent {
  event: 'loaded';
  t: number;
  slot: number;
  bytes: number;
}

/** Accuracy over windows in ordinary use. */
export interface PhaseAccuracy {
  windows: number;
  right: number;
  /** 0..1; null when there was no window. */
  accuracy: number | null;
}

export interface SummaryEvent {
  event: 'summary';
  t: number;
  target: Target;
  seed: number;
  model: string;
  known: string;
  new: string;
  beforeDrift: PhaseAccuracy;
  afterDrift: PhaseAccuracy;
  afterAdaptation: PhaseAccuracy;
  /** The same windows of afterAdaptation split at the reboot. */
  beforeReboot: PhaseAccuracy;
  afterReboot: PhaseAccuracy;
  falseAlarms: number;
  /** Windows of the new speaker until drift was noticed; null when it never was. */
  delay: number | null;
  steps: number;
  /** Millijoules of all bursts. */
  trainingEnergy: number;
  /** Millijoules of features, inference and training. */
  energy: number;
  /** What a window, learning once, a day and the battery come to. */
  power: EnergyReport;
  adapterBytes: number | null;
  rebooted: boolean;
  loaded: boolean;
  /** Path of the plot. */
  plot: string;
  /** How the story ended: `complete`, or what did not happen. */
  outcome: 'complete' | 'no drift' | 'not saved';
}
