/**
 * What words look like to src/lib/sensor.ts: peak over level of the windows that capture would cut,
 * their clipped samples, and the same of signals that are no words.
 *
 *     npx tsx bench/sensor.ts [FOLDER…]      default: the synthetic voices
 */
import Table from 'cli-table3';
import { FaultyMicrophone, type SoundFault } from '../sim/faults.ts';
import { loadRecordings } from '../sim/recordings.ts';
import { demoVoices } from '../sim/voices.ts';

const RATE = 8000;
/** Samples from here on are clipped for capture. */
const TOP = 32752;

interface Shape {
  /** Peak over level, in dB. */
  crest: number;
  clipped: number;
}

/** A window of a second with the sound in its middle. */
function windowOf(pcm: Int16Array): Int16Array {
  const window = new Int16Array(RATE);
  window.set(pcm.subarray(0, RATE), Math.max(0, (RATE - pcm.length) >> 1));
  return window;
}

function shapeOf(window: Int16Array): Shape {
  let power = 0;
  let peak = 0;
  let clipped = 0;
  for (const sample of window) {
    power += sample * sample;
    peak = Math.max(peak, Math.abs(sample));
    if (sample >= TOP || sample === -32768) clipped++;
  }
  return { crest: 10 * Math.log10((peak * peak * window.length) / power), clipped };
}

const table = new Table({
  head: ['sound', 'windows', 'peak over level, least', 'median', 'clipped, most'],
  style: { head: [] },
});

function addRow(name: string, windows: Int16Array[]): void {
  const shapes = windows.map(shapeOf);
  const crests = shapes.map(({ crest }) => crest).sort((a, b) => a - b);
  table.push([
    name,
    windows.length,
    `${(crests[0] as number).toFixed(1)} dB`,
    `${(crests[crests.length >> 1] as number).toFixed(1)} dB`,
    Math.max(...shapes.map(({ clipped }) => clipped)),
  ]);
}

function windowsOfFault(fault: SoundFault): Int16Array[] {
  const microphone = new FaultyMicrophone(RATE, 1);
  microphone.setNoise(-72);
  microphone.fault = fault;
  return Array.from({ length: 20 }, (_, n) => microphone.read(n * RATE, (n + 1) * RATE));
}

const given = process.argv.slice(2);
let words = 0;
for (const folder of given.length > 0 ? given : [await demoVoices()]) {
  const clips = loadRecordings(folder, RATE);
  words += clips.length;
  for (const speaker of new Set(clips.map((clip) => clip.speaker))) {
    const own = clips.filter((clip) => clip.speaker === speaker);
    addRow(
      speaker,
      own.map(({ pcm }) => windowOf(pcm)),
    );
  }
}
addRow('open input', windowsOfFault({ kind: 'garbage' }));
addRow('square wave', windowsOfFault({ kind: 'square', hertz: 440 }));
addRow('far too much gain', windowsOfFault({ kind: 'saturated', gain: 60 }));
const fan = new FaultyMicrophone(RATE, 2);
fan.setNoise(-40);
addRow(
  'fan',
  Array.from({ length: 20 }, (_, n) => fan.read(n * RATE, (n + 1) * RATE)),
);
console.log(table.toString());
console.log(`${words} words`);
