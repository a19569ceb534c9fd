/**
 * A few numbers that survive a reboot, through the board's settings service. On a board without one
 * nothing is kept, and nothing found.
 */
import * as ds from '@devicescript/core';
import { settings } from '@devicescript/settings';

/** Longest wait for the service at the start, in ms. */
const BOUND_MS = 500;

/** What was kept under a key; empty when there is nothing, or nothing that can be read. */
export async function recall(key: string): Promise<number[]> {
  for (let waited = 0; !settings.isBound && waited < BOUND_MS; waited += 20) await ds.sleep(20);
  if (!settings.isBound) return [];
  const report = await ds.actionReport(settings, 'get', async () => {
    await settings.get(key);
  });
  const value: Buffer = report.decode()[1];
  if (value.length === 0) return [];
  try {
    return JSON.parse(value.toString());
  } catch (e) {
    return [];
  }
}

/** Keeps numbers under a key of at most 13 letters; an empty list forgets it. */
export async function keep(key: string, numbers: number[]): Promise<void> {
  if (!settings.isBound) return;
  if (numbers.length === 0) await settings.delete(key);
  else await settings.set(key, Buffer.from(JSON.stringify(numbers)));
}
