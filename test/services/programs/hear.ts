/**
 * Hears three words, learns, checks and saves; after the next power on loads what was learnt and hears
 * one more.
 */
import * as ds from '@devicescript/core';

const learner = new ds.Learner();
const capture = new ds.Capture();
let heard = 0;
let trained = false;
/** Windows from before the wake level was set hold silence; how many there are depends on the target. */
let isListening = false;

capture.windowReady.subscribe(async (event) => {
  if (isListening) console.log('window', event[1]);
});
learner.prediction.subscribe(async (event) => {
  if (!isListening) return;
  console.log('prediction', event[1], event[2], event[3], event[4], event[5]);
  heard++;
});
learner.trainingDone.subscribe(async (event) => {
  console.log('trained', event[0], event[1], event[2]);
  trained = true;
});

/** Labels the next window with its place; the third is held out. */
async function label(place: number) {
  while (heard <= place) await ds.sleep(20);
  const report = await ds.actionReport(learner, 'remember', async () => {
    await learner.remember(0, place, place === 2 ? 1 : 0);
  });
  console.log('remember', report.decode());
}

async function learn() {
  for (let place = 0; place < 3; place++) await label(place);
  await learner.train(2, 0);
  while (!trained) await ds.sleep(20);
  const checked = await ds.actionReport(learner, 'check', async () => {
    await learner.check();
  });
  console.log('check', checked.decode());
  const saved = await ds.actionReport(learner, 'save', async () => {
    await learner.save(1);
  });
  console.log('save', saved.decode());
  console.log('energy', await learner.energy.read(), await learner.kilocycles.read());
}

async function goOn(slot: number) {
  const loaded = await ds.actionReport(learner, 'load', async () => {
    await learner.load(slot);
  });
  console.log('load', loaded.decode());
  while (heard === 0) await ds.sleep(20);
}

await capture.activeThreshold.write(-60);
await ds.sleep(300);
isListening = true;
const slot = await learner.newestSlot.read();
console.log('slot', slot);
if (slot === 255) await learn();
else await goOn(slot);
console.log('done');
ds.restart();
