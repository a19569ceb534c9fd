/** The delta service of the board as calls that wait for their result. */
import * as ds from '@devicescript/core';

export const deltas = new ds.Delta();

/** Longest wait for the service at the start, in ms: a board may be built without it. */
const BOUND_MS = 500;

/** Whether this board takes deltas. */
export async function takesDeltas(): Promise<boolean> {
  for (let waited = 0; !deltas.isBound && waited < BOUND_MS; waited += 20) await ds.sleep(20);
  return deltas.isBound;
}

/** Whether the adapter in a slot waits for a decision: `confirm` or `revert`. */
export async function isUndecided(slot: number): Promise<boolean> {
  const slots = (await deltas.trial.read()) | (await deltas.fresh.read());
  return (slots & (1 << slot)) !== 0;
}

/** Keeps the adapter in a slot; false when there was nothing to decide. */
export async function confirm(slot: number): Promise<boolean> {
  const report = await ds.actionReport(deltas, 'confirm', async () => {
    await deltas.confirm(slot);
  });
  return report.decode() === ds.DeltaStatus.Ok;
}

/** Takes the adapter in a slot back: the slot holds what it held before. */
export async function revert(slot: number): Promise<boolean> {
  const report = await ds.actionReport(deltas, 'revert', async () => {
    await deltas.revert(slot);
  });
  return report.decode() === ds.DeltaStatus.Ok;
}
