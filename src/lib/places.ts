/**
 * Adapters of several users: places in RAM, of which one is in use, and slots in flash. Calls of the
 * learner that wait for their report; services/learner.md says what they do.
 */
import * as ds from '@devicescript/core';
import { learner } from './learner';

/** An adapter in RAM. */
export interface Place {
  name: string;
  /** Slot it was loaded from or saved to last; 255: none. */
  slot: number;
  /** Bursts that trained it. */
  bursts: number;
  /** It is not what its slot holds. */
  changed: boolean;
  active: boolean;
}

/** An adapter in flash. */
export interface Saved {
  name: string;
  /** Writes to the slot. */
  saves: number;
  bursts: number;
  /** Windows held out at the last check before it was saved, and how many were right. */
  total: number;
  right: number;
  /** How many versions can be read. */
  versions: number;
}

/** What a place holds; undefined: there is no such place. */
export async function describePlace(place: number): Promise<Place> {
  const report = await ds.actionReport(learner, 'describePlace', async () => {
    await learner.describePlace(place);
  });
  const fields = report.decode();
  if (fields[0] !== ds.LearnerStatus.Ok) return undefined;
  const [slot, bursts, changed] = [fields[2], fields[3], fields[7]];
  return { name: fields[9], slot, bursts, changed, active: fields[8] };
}

/** What a slot holds; undefined: nothing that can be read. */
export async function describeSlot(slot: number): Promise<Saved> {
  const report = await ds.actionReport(learner, 'describe', async () => {
    await learner.describe(slot);
  });
  const fields = report.decode();
  if (fields[0] !== ds.LearnerStatus.Ok && fields[0] !== ds.LearnerStatus.Older) return undefined;
  const [saves, bursts, total, right] = [fields[2], fields[3], fields[5], fields[7]];
  return { name: fields[14], saves, bursts, total, right, versions: fields[13] };
}

/** Makes another place the active one, between two inferences; false when it has to wait. */
export async function swap(place: number): Promise<boolean> {
  const report = await ds.actionReport(learner, 'swap', async () => {
    await learner.swap(place);
  });
  return report.decode()[0] === ds.LearnerStatus.Ok;
}

/** Loads a slot into a place; false when the slot is empty, damaged or of another model. */
export async function loadPlace(slot: number, place: number): Promise<boolean> {
  const report = await ds.actionReport(learner, 'loadPlace', async () => {
    await learner.loadPlace(slot, place);
  });
  const status = report.decode()[0];
  return status === ds.LearnerStatus.Ok || status === ds.LearnerStatus.Older;
}

/** Names the adapter in a place: up to 24 bytes. */
export async function rename(place: number, name: string): Promise<boolean> {
  const report = await ds.actionReport(learner, 'rename', async () => {
    await learner.rename(place, name);
  });
  return report.decode() === ds.LearnerStatus.Ok;
}

/** Puts the base model into a place. */
export async function clearPlace(place: number): Promise<boolean> {
  const report = await ds.actionReport(learner, 'clearPlace', async () => {
    await learner.clearPlace(place);
  });
  return report.decode() === ds.LearnerStatus.Ok;
}

/** Empties a slot. */
export async function drop(slot: number): Promise<boolean> {
  const report = await ds.actionReport(learner, 'drop', async () => {
    await learner.drop(slot);
  });
  return report.decode() === ds.LearnerStatus.Ok;
}

/** Takes back what was last saved to a slot; false when there is no version before it. */
export async function rollBackSlot(slot: number): Promise<boolean> {
  const report = await ds.actionReport(learner, 'rollBack', async () => {
    await learner.rollBack(slot);
  });
  return report.decode()[0] === ds.LearnerStatus.Ok;
}
