import * as ds from '@devicescript/core';

const learner = new ds.Learner();
const capture = new ds.Capture();

async function report(name: keyof ds.Learner, send: () => Promise<void>): Promise<void> {
  const packet = await ds.actionReport(learner, name, send);
  console.log(`${name} ${JSON.stringify(packet.decode())}`);
}

learner.prediction.subscribe(async (values) => {
  console.log(`event prediction ${JSON.stringify(values)}`);
});
learner.trainingProgress.subscribe(async (values) => {
  console.log(`event progress ${JSON.stringify(values)}`);
});
learner.trainingDone.subscribe(async (values) => {
  console.log(`event done ${JSON.stringify(values)}`);
  await afterTraining();
});
learner.error.subscribe(async (values) => {
  console.log(`event error ${JSON.stringify(values)}`);
});

async function constants(): Promise<void> {
  console.log(`modelName ${await learner.modelName.read()}`);
  console.log(`modelHash ${await learner.modelHash.read()}`);
  console.log(`modelSize ${await learner.modelSize.read()}`);
  console.log(`inputSize ${await learner.inputSize.read()}`);
  console.log(`classes ${await learner.classes.read()}`);
  console.log(`features ${await learner.features.read()}`);
  console.log(`capacity ${await learner.capacity.read()}`);
  console.log(`slots ${await learner.slots.read()}`);
  console.log(`newestSlot ${await learner.newestSlot.read()}`);
}

async function settings(): Promise<void> {
  console.log(
    `defaults ${await learner.enabled.read()} ${await learner.method.read()} ${await learner.rank.read()}`,
  );
  console.log(`defaults ${await learner.learningRate.read()} ${await learner.momentum.read()}`);
  console.log(
    `defaults ${await learner.batch.read()} ${await learner.clip.read()} ${await learner.steps.read()}`,
  );
  console.log(`defaults ${await learner.seed.read()} ${await learner.slice.read()}`);
  await learner.learningRate.write(0.125);
  await learner.momentum.write(0.75);
  await learner.batch.write(7);
  await learner.clip.write(3.25);
  await learner.steps.write(321);
  await learner.seed.write(123456789);
  await learner.slice.write(10000);
  await learner.method.write(ds.LearnerMethod.Lora);
  await learner.rank.write(4);
  await ds.sleep(600);
  console.log(
    `written ${await learner.enabled.read()} ${await learner.method.read()} ${await learner.rank.read()}`,
  );
  console.log(`written ${await learner.learningRate.read()} ${await learner.momentum.read()}`);
  console.log(
    `written ${await learner.batch.read()} ${await learner.clip.read()} ${await learner.steps.read()}`,
  );
  console.log(`written ${await learner.seed.read()} ${await learner.slice.read()}`);
}

async function figures(when: string): Promise<void> {
  await ds.sleep(600); // older than the client's cache of register values
  console.log(
    `${when} arena ${await learner.arenaSize.read()} adapter ${await learner.adapterSize.read()} ` +
      `train ${await learner.trainCount.read()} heldOut ${await learner.heldOutCount.read()} training ${await learner.training.read()}`,
  );
}

async function commandsWithoutWindows(): Promise<void> {
  await report('remember', async () => await learner.remember(0, 1, ds.LearnerPurpose.Train));
  await report('train', async () => await learner.train(10, 0));
  await report('check', async () => await learner.check());
  await report('restore', async () => await learner.restore());
  await report('load', async () => await learner.load(1));
  await report('load', async () => await learner.load(9));
  await report('className', async () => await learner.className(2));
  await report('className', async () => await learner.className(3));
}

async function labelWindows(): Promise<void> {
  await report('infer', async () => await learner.infer());
  console.log(`lastPrediction ${JSON.stringify(await learner.reading.read())}`);
  await report('remember', async () => await learner.remember(0, 1, ds.LearnerPurpose.Train));
  await report('remember', async () => await learner.remember(1, 2, ds.LearnerPurpose.HeldOut));
  await report('remember', async () => await learner.remember(77, 2, ds.LearnerPurpose.Train));
  await report('remember', async () => await learner.remember(0, 3, ds.LearnerPurpose.Train));
  await report('remember', async () => await learner.remember(0, 0, ds.LearnerPurpose.Train));
  await report('remember', async () => await learner.remember(0, 0, ds.LearnerPurpose.Train));
  await figures('labelled');
  await report('train', async () => await learner.train(400, 0));
  await report('save', async () => await learner.save(1));
}

async function afterTraining(): Promise<void> {
  console.log(`loss ${await learner.loss.read()}`);
  await report('check', async () => await learner.check());
  await report('save', async () => await learner.save(1));
  await report('save', async () => await learner.save(8));
  await report('restore', async () => await learner.restore());
  await report('restore', async () => await learner.restore());
  await report('check', async () => await learner.check());
  await report('load', async () => await learner.load(1));
  await report('check', async () => await learner.check());
  await report('reset', async () => await learner.reset());
  await report('check', async () => await learner.check());
  await report('forget', async () => await learner.forget());
  await figures('forgotten');
  console.log(
    `energy ${(await learner.energy.read()) > 0} ${(await learner.kilocycles.read()) > 0}`,
  );
  console.log(
    `stop ${JSON.stringify((await ds.actionReport(learner, 'stop', async () => await learner.stop())).decode())}`,
  );
  console.log('finished');
}

setTimeout(async () => {
  await constants();
  await commandsWithoutWindows();
  await settings();
  await figures('empty');
  console.log('ready');
  await capture.enabled.write(true);
  await capture.windowReady.wait();
  await ds.sleep(300);
  await labelWindows();
}, 10);
