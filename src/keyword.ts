/**
 * A keyword spotter that follows its speaker.
 *
 * It listens, notices when the words no longer sound like those it works well on, asks for a few of
 * them, trains an adapter, keeps it only if held-out words got better, and sleeps when it is quiet.
 * It learns nothing from a broken microphone, and nothing from noise. After a reboot it loads what
 * it learned. An adapter that comes as a delta is tried on a few words
 * and taken back when it does not do.
 */
import * as ds from '@devicescript/core';
import { runBurst } from './lib/burst';
import { Checkpoint, loadNewest, NO_SLOT } from './lib/checkpoint';
import { confirm, deltas, isUndecided, revert, takesDeltas } from './lib/deltas';
import { FALLS, PageHinkley } from './lib/drift';
import { Answer, Enrolment, blinkPattern, pressToAnswer } from './lib/enrolment';
import { Heard, SILENCE, capture, flush, forget, learner, load } from './lib/learner';
import { nextWindow, readWords, remember, reset, save, sleep, trainer } from './lib/learner';
import { keep, recall } from './lib/memory';
import { Schedule } from './lib/schedule';
import { Fault, Sensor, WakeLevel } from './lib/sensor';
import { judge } from './lib/update';

/** Sound above this is a word, in dB below full scale. */
const WAKE_LEVEL = -60;
/** Share of words right above which training has nothing to gain. */
const GOOD = 0.95;
/** Who has not answered is asked again after this, in ms. */
const ASK_AGAIN_MS = 1800000;

const led = new ds.LightBulb();
const button = new ds.Button();
const power = new ds.Power();

const drift = new PageHinkley({ direction: FALLS, warmUp: 50, delta: 0.4, lambda: 16 });
const schedule = new Schedule({ wakeLevel: WAKE_LEVEL, idleMs: 0, low: 0.3 });
const checkpoint = new Checkpoint({ slots: 2, minIntervalMs: 1000 });
const sensor = new Sensor({});
const wake = new WakeLevel({ lowest: WAKE_LEVEL });

let answer: Answer = 'none';
button.up.subscribe(async (heldMs) => {
  answer = pressToAnswer(heldMs);
});

async function blink(word: number) {
  const pattern = blinkPattern(word);
  for (let i = 0; i < pattern.length; i++) {
    await led.intensity.write(i % 2 === 0 ? 1 : 0);
    await ds.sleep(pattern[i]);
  }
}

/** What the person says of the window just heard; 'none' when no button is pressed in time. */
async function waitForAnswer(): Promise<Answer> {
  for (let i = 0; i < 75 && answer === 'none'; i++) await ds.sleep(20);
  return answer;
}

let fault: Fault = '';
let askAfterMs = 0;

capture.healthChanged.subscribe(async (health) => {
  sensor.setHealth(health);
  tellFault();
});

function tellFault() {
  if (sensor.fault() === fault) return;
  fault = sensor.fault();
  console.log(fault === '' ? 'decision microphone works' : `decision microphone ${fault}`);
}

/** Whether a window may hold a word; a noise that goes on raises the wake level. */
async function isWord(heard: Heard): Promise<boolean> {
  const verdict = sensor.judge(heard.shape);
  tellFault();
  if (verdict === 'noise' && wake.noise(heard.level, ds.millis())) await writeWakeLevel();
  return verdict === 'word' && fault === '';
}

async function writeWakeLevel() {
  console.log(`decision wake level ${wake.value()}`);
  await capture.activeThreshold.write(wake.value());
}

/** Asks for words until every one has been said often enough, nobody answers or the microphone fails. */
async function askFor(enrolment: Enrolment, remembers: boolean) {
  while (!enrolment.done() && !enrolment.abandoned() && fault === '') {
    const ask = enrolment.request();
    await blink(ask.word);
    flush();
    answer = 'none';
    console.log(`ask word=${ask.name} take=${ask.take}`);
    const heard = await nextWindow(5000);
    if (heard === undefined || !(await isWord(heard))) enrolment.answer(SILENCE, 'none', 0);
    else if (enrolment.answer(heard.level, await waitForAnswer(), heard.label) && remembers)
      await remember(heard.window, ask.word, ask.heldOut);
  }
}

/** Asks for words to learn from; share that was recognised, -1 when they did not come together. */
async function enrol(words: string[]) {
  const enrolment = new Enrolment({ words, takes: 5, holdOutEvery: 5 });
  console.log(`enrol words=${words.length} takes=5`);
  await askFor(enrolment, true);
  return enrolment.done() && fault === '' ? enrolment.rightShare() : -1;
}

/** Trains in slices under a budget; what does not help on held-out words is rolled back. */
async function learn(share: number) {
  // Who is understood well already has more to lose: then a held-out word more must be right.
  const minGain = share > 0.9 ? 0.5 : 0;
  const budget = { steps: 600, slice: 300, patience: 1, millijoules: 6000, minGain };
  const burst = await runBurst(budget, trainer);
  console.log(`decision burst ended by ${burst.end()}, gain ${burst.gain()}`);
  checkpoint.improved(burst.gain());
}

async function saveIfDue() {
  if (!checkpoint.due(ds.millis())) return;
  const slot = checkpoint.slotToWrite();
  if (await save(slot)) checkpoint.saved(slot, ds.millis());
  else checkpoint.failed(slot, ds.millis());
}

/** Loads what was saved last; without anything that is good, the base model is what there is. */
async function loadSaved() {
  const newest = await learner.newestSlot.read();
  const slot = await loadNewest(checkpoint, newest, async (id) => await load(id));
  console.log(slot === NO_SLOT ? 'decision base model' : `decision adapter from slot ${slot}`);
  return slot;
}

/** Slot with an adapter from outside that is in use and not decided on; NO_SLOT: none. */
let trial = NO_SLOT;
/** Slot that a delta has just been installed in. */
let arrived = NO_SLOT;
deltas.installed.subscribe(async (event) => {
  arrived = event[1];
});

/** Puts an adapter that has just arrived in use. */
async function takeUpdate() {
  const slot = arrived;
  arrived = NO_SLOT;
  console.log(`update slot=${slot}`);
  if (!(await load(slot))) return;
  checkpoint.loaded(slot);
  trial = slot;
  await forgetNormal();
}

/** Tries the new adapter on every word once, and keeps it only if that went well. */
async function tryUpdate(words: string[]) {
  const slot = trial;
  trial = NO_SLOT;
  console.log(`trial slot=${slot} words=${words.length}`);
  const enrolment = new Enrolment({ words, takes: 1, holdOutEvery: 0, attempts: 2 });
  await askFor(enrolment, false);
  const verdict = judge(words.length, enrolment.count(), enrolment.rightShare());
  console.log(`decision update ${verdict}, ${enrolment.rightShare()} of the words are right`);
  if (verdict === 'keep') await confirm(slot);
  if (verdict === 'revert') {
    await revert(slot);
    if ((await loadSaved()) === NO_SLOT) await reset();
  }
  await forgetNormal();
  flush();
}

/** What is normal survives a reboot: else whoever speaks after it would be. */
async function recallNormal() {
  const normal = await recall('normal');
  if (normal.length !== 2) return;
  drift.restore(normal[0], normal[1]);
  console.log(`decision normal margin is ${normal[0]}`);
}

async function noteNormal(isNew: boolean) {
  if (isNew) await keep('normal', [drift.scale.average(), drift.scale.deviation()]);
}

async function forgetNormal() {
  drift.reset();
  await keep('normal', []);
}

async function onWindow(heard: Heard, words: string[]) {
  const wasReady = drift.scale.ready();
  const drifted = drift.push(heard.margin);
  await noteNormal(drift.scale.ready() && !wasReady);
  console.log(`statistic value=${drift.progress()} limit=1`);
  if (!drifted || ds.millis() < askAfterMs) return;
  if (!schedule.mayTrain(await power.batteryCharge.read())) return;
  console.log(`drift statistic=${drift.progress()} since=${drift.windowsSinceChange()}`);
  const share = await enrol(words);
  if (share < 0) await postpone();
  else await finish(share);
  flush();
}

/** Words are missing: the drift stays noticed, and the person is asked again later. */
async function postpone() {
  console.log('decision enrolment broken off');
  askAfterMs = ds.millis() + ASK_AGAIN_MS;
  await forget();
}

async function finish(share: number) {
  if (share < GOOD) await learn(share);
  else console.log(`decision no training, ${share} of the words are right`);
  await forget();
  // before what was normal is forgotten: if the power fails in between, the drift is noticed again
  await saveIfDue();
  await forgetNormal();
}

await capture.activeThreshold.write(WAKE_LEVEL);
const words = await readWords();
const slot = await loadSaved();
await recallNormal();
if (await takesDeltas()) {
  if ((await deltas.reverted.read()) !== 0) console.log('decision update taken back');
  if (slot !== NO_SLOT && (await isUndecided(slot))) trial = slot;
}

flush(); // windows from before the wake level was set hold silence
while (true) {
  const before = ds.millis();
  const heard = await nextWindow(1000);
  if (arrived !== NO_SLOT) await takeUpdate();
  if (heard !== undefined && (await isWord(heard))) {
    if (trial !== NO_SLOT) await tryUpdate(words);
    else await onWindow(heard, words);
  }
  if (wake.calm(ds.millis())) await writeWakeLevel();
  await saveIfDue();
  const awakeMs = ds.millis() - before;
  const charge = await power.batteryCharge.read();
  const sleepMs = schedule.next(heard === undefined ? SILENCE : heard.level, awakeMs, charge);
  if (sleepMs > 0) await sleep(sleepMs);
}
