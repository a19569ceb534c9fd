/** Hears three words, learns to call them otherwise, saves that, resets the board, and goes on. */
import * as ds from '@devicescript/core';

const WORDS = 3;
const STEPS = 12;
const SLOT = 1;
const NO_SLOT = 255;

const learner = new ds.Learner();
const capture = new ds.Capture();

let heard = 0;
let learned = false;
let trained = false;

async function remember(window: number, label: number): Promise<void> {
  const report = await ds.actionReport(learner, 'remember', async () => {
    await learner.remember(window, (label + 1) % 10, ds.LearnerPurpose.Train);
  });
  console.log(`remember ${report.decode()}`);
}

async function train(): Promise<void> {
  const report = await ds.actionReport(learner, 'train', async () => {
    await learner.train(STEPS, 0);
  });
  console.log(`train ${report.decode()}`);
  while (!trained) await ds.sleep(50);
  const saved = await ds.actionReport(learner, 'save', async () => {
    await learner.save(SLOT);
  });
  console.log(`save ${saved.decode()}`);
  learned = true;
}

learner.trainingDone.subscribe(async (values) => {
  console.log(`done ${values[0]} ${values[1]} ${values[2]}`);
  trained = true;
});

learner.prediction.subscribe(async (values) => {
  console.log(`heard ${values[1]} ${values[2]} ${values[3]}`);
  heard++;
  if (learned) {
    console.log('reset');
    await ds.sleep(100);
    ds.reboot();
  } else if (newest === NO_SLOT && heard <= WORDS) {
    await remember(values[0], values[1]);
    if (heard === WORDS) await train();
  }
});

const newest = await learner.newestSlot.read();
console.log(`newest ${newest}`);
if (newest !== NO_SLOT) {
  const report = await ds.actionReport(learner, 'load', async () => {
    await learner.load(newest);
  });
  console.log(`load ${report.decode()}`);
}
await capture.activeThreshold.write(-60);
