/**
 * A keyword spotter for several people.
 *
 * Everybody has an adapter with a name: a place in RAM while the device runs, and a slot in flash. A
 * short press passes the device on to the next person, which changes a pointer and nothing else. A
 * long press makes it learn the voice of whoever has it: it asks for words, trains that person's
 * adapter alone, and saves it. After a reboot everybody's adapter is there again.
 */
import * as ds from '@devicescript/core';
import { runBurst } from './lib/burst';
import { Answer, Enrolment, pressToAnswer } from './lib/enrolment';
import { SILENCE, capture, flush, forget, learner } from './lib/learner';
import { nextWindow, readWords, remember, save, trainer } from './lib/learner';
import { describePlace, describeSlot, loadPlace, rename, swap } from './lib/places';

/** A person's number is that of the place and of the slot. */
const PEOPLE = ['anna', 'ben'];
/** Sound above this is a word, in dB below full scale. */
const WAKE_LEVEL = -60;

const button = new ds.Button();
const led = new ds.LightBulb();

let person = 0;
let enrolling = false;
let answer: Answer = 'none';
/** What the last press asks for, outside of enrolment. */
let wish = 'none';

button.up.subscribe(async (heldMs) => {
  answer = pressToAnswer(heldMs);
  if (!enrolling) wish = answer === 'yes' ? 'next' : 'enrol';
});

/** What the person says of the window just heard; 'none' when no button is pressed in time. */
async function waitForAnswer(): Promise<Answer> {
  for (let i = 0; i < 75 && answer === 'none'; i++) await ds.sleep(20);
  return answer;
}

/** Brings back what everybody has taught the device. */
async function loadEverybody() {
  const places = await learner.places.read();
  if (places < PEOPLE.length) console.log(`error ${places} places, build with more`);
  for (let i = 0; i < PEOPLE.length && i < places; i++) {
    if (!(await loadPlace(i, i))) await rename(i, PEOPLE[i]);
    const place = await describePlace(i);
    console.log(`place ${i} name=${place.name} bursts=${place.bursts}`);
  }
}

async function passTo(next: number) {
  if (!(await swap(next))) return;
  person = next;
  flush(); // what was said before was the other's
  await led.intensity.write(next === 0 ? 0 : 1);
  const place = await describePlace(next);
  console.log(`person ${next} name=${place.name}`);
}

/** Asks for words until every one has been said often enough. */
async function enrol(words: string[]) {
  const enrolment = new Enrolment({ words, takes: 5, holdOutEvery: 5 });
  while (!enrolment.done()) {
    const ask = enrolment.request();
    flush();
    answer = 'none';
    console.log(`ask word=${ask.name} take=${ask.take}`);
    const heard = await nextWindow(5000);
    if (heard === undefined) enrolment.answer(SILENCE, 'none', 0);
    else if (enrolment.answer(heard.level, await waitForAnswer(), heard.label))
      await remember(heard.window, ask.word, ask.heldOut);
  }
}

/** Windows belong to nobody: they are dropped before the device is passed on. */
async function learn(words: string[]) {
  enrolling = true;
  await enrol(words);
  const budget = { steps: 600, slice: 300, patience: 1, millijoules: 6000 };
  const burst = await runBurst(budget, trainer);
  console.log(`decision burst ended by ${burst.end()}, gain ${burst.gain()}`);
  if (burst.gain() > 0 && (await save(person))) {
    const saved = await describeSlot(person);
    console.log(`saved ${person} name=${saved.name} right=${saved.right} of=${saved.total}`);
  }
  await forget();
  flush();
  enrolling = false;
}

await capture.activeThreshold.write(WAKE_LEVEL);
const words = await readWords();
await loadEverybody();
await passTo(0);
console.log('ready');

flush(); // windows from before the wake level was set hold silence
while (true) {
  const heard = await nextWindow(200);
  if (heard !== undefined) console.log(`heard person=${person} word=${words[heard.label]}`);
  const wanted = wish;
  wish = 'none';
  if (wanted === 'next') await passTo((person + 1) % PEOPLE.length);
  if (wanted === 'enrol') await learn(words);
}
