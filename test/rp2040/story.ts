/**
 * The story of `retune start` on the emulated RP2040 and on WebAssembly, compared event by event:
 * what is heard, drift, enrolment, training, saving, reset. Takes minutes: `npm run test:rp2040`.
 *
 * During a burst the adapter is a few steps earlier or later, since work takes other times on the
 * two: predictions of that time may differ in their figures, not in what is done about them.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoryEvent } from '../../sim/events.ts';
import { runStory } from '../../sim/story.ts';
import type { Target } from '../../sim/targets.ts';

const folder = mkdtempSync(join(tmpdir(), 'retune-story-'));

async function play(target: Target): Promise<StoryEvent[]> {
  const events: StoryEvent[] = [];
  await runStory({
    target,
    headless: true,
    plot: join(folder, `${target}.svg`),
    print: () => undefined,
    onEvent: (event) => events.push(event),
  });
  return events;
}

/** What must be equal: without times and energies, and without figures from within a burst. */
function decisive(events: StoryEvent[]): string[] {
  return events.flatMap((event) => {
    const fields: Record<string, unknown> = { ...event };
    const differing = ['t', 'energy', 'trainingEnergy', 'power', 'plot', 'target'];
    for (const name of differing) delete fields[name];
    if (event.event === 'burst') {
      if (fields['state'] === 'progress') return [];
      delete fields['loss']; // of the step that was last looked at
    }
    if (fields['training'] === true) {
      for (const name of ['confidence', 'margin', 'heard', 'right']) delete fields[name];
    }
    return [JSON.stringify(fields)];
  });
}

const wasm = decisive(await play('wasm'));
const chip = decisive(await play('rp2040'));
rmSync(folder, { recursive: true });

const different = wasm.filter((line, i) => line !== chip[i]);
console.log(`${wasm.length} events on WebAssembly, ${chip.length} on the emulated RP2040`);
console.log(chip.at(-1));
if (different.length > 0 || wasm.length !== chip.length) {
  wasm.forEach((line, i) => {
    if (line !== chip[i]) console.log(`wasm   ${line}\nrp2040 ${chip[i] ?? 'nothing'}`);
  });
  process.exitCode = 1;
}
