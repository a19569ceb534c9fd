import * as ds from '@devicescript/core';

const capture = new ds.Capture();
const button = new ds.Button();
const led = new ds.LightBulb();
const power = new ds.Power();

capture.windowReady.subscribe(async (values) => {
  console.log(`event window ${JSON.stringify(values)}`);
});
capture.overrun.subscribe(async (values) => {
  console.log(`event overrun ${values}`);
});
capture.loud.subscribe(async () => {
  console.log('event loud');
});
capture.quiet.subscribe(async () => {
  console.log('event quiet');
});
button.down.subscribe(async () => {
  console.log('button down');
});
button.hold.subscribe(async (time) => {
  console.log(`button hold ${time >= 500}`);
});
button.up.subscribe(async (time) => {
  console.log(`button up ${time}`);
});

setTimeout(async () => {
  console.log(
    `defaults ${await capture.enabled.read()} ${await capture.reading.read()} ${await capture.activeThreshold.read()} ` +
      `${await capture.source.read()} ${await capture.rate.read()} ${await capture.window.read()} ${await capture.hop.read()}`,
  );
  await capture.source.write(ds.CaptureSource.Accelerometer);
  await capture.window.write(100);
  await capture.hop.write(4000);
  await capture.activeThreshold.write(-45.5);
  await capture.enabled.write(false);
  await ds.sleep(600);
  console.log(
    `written ${await capture.enabled.read()} ${await capture.activeThreshold.read()} ` +
      `${await capture.source.read()} ${await capture.window.read()} ${await capture.hop.read()}`,
  );
  console.log(
    `power ${(await power.batteryCharge.read()) < 0.51} ${await power.batteryCapacity.read()} ${(await power.batteryVoltage.read()) > 3300}`,
  );
  await led.intensity.write(0.5);
  console.log('stopped');
  await ds.sleep(3000);
  await capture.enabled.write(true);
  console.log('running');
  await ds.sleep(8000);
  console.log(
    `counts ${await capture.windows.read()} ${await capture.skipped.read()} ${await capture.overruns.read()} ${await capture.reading.read()}`,
  );
  console.log('finished');
}, 10);
