import { Endpoint } from './endpoint.ts';
import type { ClockGroup } from './clock.ts';
import type { ServiceSpec } from './compile.ts';
import { BLOCK_MS, type Microphone } from './microphone.ts';
import { Offset } from './offset.ts';
import type { HeardWindow } from './powered-board.ts';

/** A window as capture hands it to the learner. */
export interface Window extends HeardWindow {
  pcm: Int16Array;
}

const FLOOR_DB = -96;
const EVERY_WINDOW_DB = -128;
/** A sound has ended when it has been quiet this long. */
const HANG_MS = 260;
/** A shorter sound is a click, not a word. */
const SHORTEST_SOUND_MS = 60;
/** A converter that gives nothing for so long is broken. */
const PATIENCE_MS = 1000;
/** Enum Health. */
const HEALTH = { good: 0, missing: 1, stuck: 2 } as const;
/** From these values on a sample of a 12-bit converter is at an end of its range. */
const TOP_SAMPLE = 32767 - 15;
const BOTTOM_SAMPLE = -32768;

export interface CaptureOptions {
  spec: ServiceSpec;
  timers: ClockGroup;
  microphone: Microphone;
  /** Samples in a window of the model's features profile. */
  windowSamples: number;
  /** Takes a window; false when the one before is still in use. */
  deliver: (window: Window) => boolean;
}

/**
 * Server of services/capture.md. Without `wake_level` it cuts the signal every `hop` samples. With it
 * it waits for a sound, lets it end, and cuts one window with the sound in its middle, which is how
 * the base model was trained.
 */
export class Capture {
  readonly endpoint: Endpoint;
  /** Next sample to read. */
  private position: number;
  /** Next sample to hear. */
  private heard: number;
  private sound?: { begin: number; end: number };
  /** First sample of a window whose end is still to be heard. */
  private due?: number;
  private loud = false;
  private delivered = 0;
  private skipped = 0;
  private overruns = 0;
  private lastLevel = FLOOR_DB;
  /** The latest samples as they were heard: sample n lies at n modulo the length. */
  private readonly ring: Int16Array;
  private offset = new Offset();
  private health: number = HEALTH.good;
  private heardAt: number;
  /** Length of the sound that the next window is cut around, in samples. */
  private dueSound = 0;

  constructor(private readonly options: CaptureOptions) {
    const { spec, microphone, timers, windowSamples } = options;
    this.endpoint = new Endpoint(spec, {
      running: [true],
      level: [FLOOR_DB],
      wake_level: [EVERY_WINDOW_DB],
      source: [0],
      rate: [microphone.rate],
      window: [windowSamples],
      hop: [windowSamples],
    });
    this.endpoint.computed('level', () => [this.lastLevel]);
    this.endpoint.computed('windows', () => [this.delivered]);
    this.endpoint.computed('skipped', () => [this.skipped]);
    this.endpoint.computed('overruns', () => [this.overruns]);
    this.endpoint.computed('health', () => [this.health]);
    this.endpoint.computed('offset', () => [this.offset.applied]);
    // This board has a microphone and nothing else; the window is the one the features need.
    this.endpoint.written('source', () => this.endpoint.set('source', 0));
    this.endpoint.written('window', () => this.endpoint.set('window', windowSamples));
    this.endpoint.written('hop', ([hop]) => {
      if (Number(hop) < 1) this.endpoint.set('hop', windowSamples);
    });
    this.ring = new Int16Array(2 * windowSamples);
    this.heardAt = timers.timestamp;
    this.position = microphone.blockAt(timers.timestamp);
    this.heard = this.position;
    timers.setInterval(() => this.tick(), BLOCK_MS);
  }

  get isRunning(): boolean {
    return this.endpoint.flag('running');
  }

  private get windowSamples(): number {
    return this.options.windowSamples;
  }

  private tick(): void {
    const { microphone, timers } = this.options;
    const now = microphone.blockAt(timers.timestamp);
    if (!this.isRunning) {
      this.position = now;
      this.heard = now;
      this.heardAt = timers.timestamp;
      this.ring.fill(0);
      this.sound = undefined;
      this.due = undefined;
      return;
    }
    this.hear(now);
    if (this.endpoint.number('wake_level') > EVERY_WINDOW_DB) this.followSound(now);
    else this.cutEveryHop(now);
    if (this.due === undefined || this.due + this.windowSamples > now) return;
    this.cut(this.due, this.dueSound);
    this.due = undefined;
  }

  /** Takes what the converter has up to `now`, block by block. */
  private hear(now: number): void {
    const { microphone, timers } = this.options;
    const block = (microphone.rate * BLOCK_MS) / 1000;
    for (; this.heard + block <= now; this.heard += block) {
      const samples = microphone.read(this.heard, this.heard + block);
      for (let n = 0; n < block; n++) this.ring[(this.heard + n) % this.ring.length] = 0;
      if (samples.length === 0) continue;
      this.heardAt = timers.timestamp;
      this.offset.take(samples);
      samples.forEach((sample, n) => (this.ring[(this.heard + n) % this.ring.length] = sample));
      this.setHealth(this.offset.isStuck ? HEALTH.stuck : HEALTH.good);
    }
    if (timers.timestamp - this.heardAt >= PATIENCE_MS) this.setHealth(HEALTH.missing);
  }

  /** Samples that were heard; before that there is silence. */
  private samples(begin: number, end: number): Int16Array {
    return Int16Array.from({ length: end - begin }, (_, n) => {
      const at = begin + n;
      return at < 0 ? 0 : (this.ring[at % this.ring.length] as number);
    });
  }

  private setHealth(health: number): void {
    if (this.health === health) return;
    this.health = health;
    if (health !== HEALTH.good) this.sound = this.due = undefined;
    this.endpoint.event('health_changed', [health]);
  }

  private cutEveryHop(now: number): void {
    while (this.position + this.windowSamples <= now) {
      this.cut(this.position, 0);
      this.position += this.endpoint.number('hop');
    }
  }

  private followSound(now: number): void {
    const { microphone } = this.options;
    const wake = this.endpoint.number('wake_level');
    const isLoud = this.health === HEALTH.good && levelOf(this.samples(this.position, now)) >= wake;
    if (isLoud !== this.loud) this.endpoint.event(isLoud ? 'loud' : 'quiet');
    this.loud = isLoud;
    if (isLoud) this.sound = { begin: this.sound?.begin ?? this.position, end: now };
    this.position = now;
    if (this.sound === undefined) return;
    const hang = (HANG_MS * microphone.rate) / 1000;
    const { begin, end } = this.sound;
    if (now - end < hang && now - begin < 2 * this.windowSamples) return;
    this.sound = undefined;
    if (end - begin < (SHORTEST_SOUND_MS * microphone.rate) / 1000) {
      this.skipped++;
      return;
    }
    this.due = Math.round((begin + end - this.windowSamples) / 2);
    this.dueSound = end - begin;
  }

  /** @param sound samples of the sound that the window lies around; 0: none */
  private cut(begin: number, sound: number): void {
    const { microphone, deliver } = this.options;
    const end = begin + this.windowSamples;
    const pcm = this.samples(begin, end);
    this.lastLevel = levelOf(pcm);
    const number = this.delivered + 1;
    const truth = microphone.heardIn(begin, end);
    if (!deliver({ number, pcm, level: this.lastLevel, truth })) {
      this.overruns++;
      this.endpoint.event('overrun', [this.overruns]);
      return;
    }
    this.delivered = number;
    const { peak, clipped } = shapeOf(pcm);
    const soundMs = Math.floor((sound * 1000) / microphone.rate);
    this.endpoint.event('window_ready', [number, this.lastLevel, peak, clipped, soundMs]);
  }
}

/** Level of the sample farthest from the middle, in dB, and how many samples are clipped. */
function shapeOf(pcm: Int16Array): { peak: number; clipped: number } {
  let magnitude = 0;
  let clipped = 0;
  for (const sample of pcm) {
    magnitude = Math.max(magnitude, Math.abs(sample));
    if (sample >= TOP_SAMPLE || sample <= BOTTOM_SAMPLE) clipped++;
  }
  return { peak: levelOf(Int32Array.of(magnitude)), clipped };
}

/** Root mean square in dB below full scale. */
export function levelOf(pcm: Int16Array | Int32Array): number {
  let sum = 0;
  for (const sample of pcm) sum += sample * sample;
  if (sum === 0) return FLOOR_DB;
  return Math.max(FLOOR_DB, 10 * Math.log10(sum / pcm.length / 32768 ** 2));
}
