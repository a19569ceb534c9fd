import * as ds from '@devicescript/core';

const learner = new ds.Learner();
const capture = new ds.Capture();

console.log('hello');
learner.prediction.subscribe(async (prediction) => {
  console.log(`window ${prediction[0]}`);
});
setTimeout(async () => {
  console.log(`${await learner.features.read()} at ${await capture.rate.read()} Hz`);
}, 10);
