/**
 * A board that learns and saves all the time, for cutting its power: loads what it has, saves it at
 * once into two slots in turn, labels what it hears, then trains a little and saves, for ever. Says
 * what it does.
 */
import * as ds from '@devicescript/core';

const learner = new ds.Learner();

const SLOTS = 2;
const STEPS = 4;
let training = false;

learner.trainingDone.subscribe(async () => {
  training = false;
});

async function load(slot: number) {
  const report = await ds.actionReport(learner, 'load', async () => {
    await learner.load(slot);
  });
  console.log(`load slot=${slot} status=${report.decode()[0]}`);
}

async function save(slot: number) {
  console.log(`save slot=${slot}`);
  const report = await ds.actionReport(learner, 'save', async () => {
    await learner.save(slot);
  });
  console.log(`saved slot=${slot} status=${report.decode()[0]}`);
}

async function remember(label: number) {
  const report = await ds.actionReport(learner, 'remember', async () => {
    await learner.remember(0, label, ds.LearnerPurpose.Train);
  });
  console.log(`remember label=${label} status=${report.decode()[0]}`);
}

async function burst() {
  training = true;
  console.log('burst begins');
  await ds.actionReport(learner, 'train', async () => {
    await learner.train(STEPS, 0);
  });
  while (training) await ds.sleep(5);
  console.log('burst ends');
}

const newest = await learner.newestSlot.read();
console.log(`boot newest=${newest}`);
for (let slot = 0; slot < SLOTS; slot++) await load(slot);
for (let slot = 0; slot < SLOTS; slot++) await save(slot);
await ds.sleep(1100);
await remember(1);
await ds.sleep(300);
await remember(2);
let slot = 0;
while (true) {
  await burst();
  await save(slot);
  slot = (slot + 1) % SLOTS;
}
