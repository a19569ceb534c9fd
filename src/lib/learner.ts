/**
 * The learner and capture services of the board as calls that wait for their result, and predictions
 * as a queue: what an app needs besides the plain logic in this folder.
 */
import * as ds from '@devicescript/core';
import { Trainer, scoreOf } from './burst';
import { Shape } from './sensor';

export const learner = new ds.Learner();
export const capture = new ds.Capture();

/** A window that was classified. */
export interface Heard {
  /** Number of the window, for `remember`. */
  window: number;
  /** Class, an index into the list of words. */
  label: number;
  /** ln(p1 / p2), in nats, 0..255. */
  margin: number;
  /** Sound level of the window, in dB below full scale, -96..0. */
  level: number;
  /** For `Sensor`, which tells words from what is none. */
  shape: Shape;
}

/** Level of digital silence, in dB below full scale. */
export const SILENCE = -96;

/** More windows than this that nobody fetches are forgotten, oldest first. */
const LONGEST_QUEUE = 4;

let queue: Heard[] = [];
let shape: Shape = { level: SILENCE, peak: SILENCE, clipped: 0, soundMs: 0 };
let training = false;
let burstJoules = 0;

capture.windowReady.subscribe(async (event) => {
  shape = { level: event[1], peak: event[2], clipped: event[3], soundMs: event[4] };
});

learner.prediction.subscribe(async (event) => {
  if (queue.length >= LONGEST_QUEUE) queue.shift();
  const level = shape.level;
  queue.push({ window: event[0], label: event[1], margin: event[3], level, shape });
});

learner.trainingDone.subscribe(async (event) => {
  burstJoules = event[3];
  training = false;
});

/** The next classified window; undefined when none came within the time, in ms. */
export async function nextWindow(timeoutMs: number): Promise<Heard> {
  for (let waited = 0; queue.length === 0; waited += 20) {
    if (waited >= timeoutMs) return undefined;
    await ds.sleep(20);
  }
  return queue.shift();
}

/** Forgets windows that were not fetched: what comes next is new. */
export function flush(): void {
  queue = [];
}

/** Stops listening for a time, in ms; the converter is off as well. */
export async function sleep(ms: number): Promise<void> {
  await capture.enabled.write(false);
  await ds.sleep(ms);
  await capture.enabled.write(true);
}

/** Names of the classes; the place in the list is the class. */
export async function readWords(): Promise<string[]> {
  const names: string[] = [];
  const classes = await learner.classes.read();
  for (let i = 0; i < classes; i++) names.push(await readWord(i));
  return names;
}

async function readWord(index: number): Promise<string> {
  const report = await ds.actionReport(learner, 'className', async () => {
    await learner.className(index);
  });
  return report.decode()[1];
}

/** Labels a window; false when it is gone or there is no room. */
export async function remember(window: number, label: number, heldOut: boolean): Promise<boolean> {
  const purpose = heldOut ? ds.LearnerPurpose.HeldOut : ds.LearnerPurpose.Train;
  const report = await ds.actionReport(learner, 'remember', async () => {
    await learner.remember(window, label, purpose);
  });
  return report.decode()[0] === ds.LearnerStatus.Ok;
}

/** Trains until done and returns the energy that it took, in mJ; 0 when it was refused. */
export async function train(steps: number): Promise<number> {
  training = true;
  burstJoules = 0;
  const report = await ds.actionReport(learner, 'train', async () => {
    await learner.train(steps, 0);
  });
  if (report.decode() !== ds.LearnerStatus.Ok) return 0;
  while (training) await ds.sleep(20);
  return burstJoules * 1000;
}

export interface Check {
  /** Windows held out. */
  total: number;
  /** How many of them are right with the adapter as it is. */
  correct: number;
  /** Mean loss over them, in nats. */
  loss: number;
}

export async function check(): Promise<Check> {
  const report = await ds.actionReport(learner, 'check', async () => {
    await learner.check();
  });
  const fields = report.decode();
  return { total: fields[1], correct: fields[3], loss: fields[5] };
}

/** Undoes the last call of `train`. */
export async function rollBack(): Promise<void> {
  await ds.actionReport(learner, 'restore', async () => {
    await learner.restore();
  });
}

/** Back to the base model. */
export async function reset(): Promise<void> {
  await ds.actionReport(learner, 'reset', async () => {
    await learner.reset();
  });
}

/** Drops all labelled windows. */
export async function forget(): Promise<void> {
  await ds.actionReport(learner, 'forget', async () => {
    await learner.forget();
  });
}

/** Writes the adapter to a slot; false when that failed. */
export async function save(slot: number): Promise<boolean> {
  const report = await ds.actionReport(learner, 'save', async () => {
    await learner.save(slot);
  });
  return report.decode()[0] === ds.LearnerStatus.Ok;
}

/**
 * Loads the adapter of a slot, or the version before it where that is damaged; false when the slot
 * is empty, cannot be read or is of another model.
 */
export async function load(slot: number): Promise<boolean> {
  const report = await ds.actionReport(learner, 'load', async () => {
    await learner.load(slot);
  });
  const status = report.decode()[0];
  return status === ds.LearnerStatus.Ok || status === ds.LearnerStatus.Older;
}

/** The learner as burst.ts wants it. */
export const trainer: Trainer = {
  check: async () => {
    const result = await check();
    return scoreOf(result.correct, result.loss);
  },
  train: async (steps) => await train(steps),
  rollBack: async () => await rollBack(),
};
