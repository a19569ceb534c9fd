import { Endpoint } from './endpoint.ts';
import type { ClockGroup } from './clock.ts';
import type { ServiceSpec } from './compile.ts';
import { BLOCK_MS, type Microphone } from './microphone.ts';
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
  private sound?: { begin: number; end: number };
  /** First sample of a window whose end is still to be heard. */
  private due?: number;
  private loud = false;
  private delivered = 0;
  private skipped = 0;
  private overruns = 0;
  private lastLevel = FLOOR_DB;

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
    // This board has a microphone and nothing else; the window is the one the features need.
    this.endpoint.written('source', () => this.endpoint.set('source', 0));
    this.endpoint.written('window', () => this.endpoint.set('window', windowSamples));
    this.endpoint.written('hop', ([hop]) => {
      if (Number(hop) < 1) this.endpoint.set('hop', windowSamples);
    });
    this.position = microphone.blockAt(timers.timestamp);
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
      this.sound = undefined;
      this.due = undefined;
      return;
    }
    if (this.endpoint.number('wake_level') > EVERY_WINDOW_DB) this.followSound(now);
    else this.cutEveryHop(now);
    if (this.due === undefined || this.due + this.windowSamples > now) return;
    this.cut(this.due, this.due + this.windowSamples);
    this.due = undefined;
  }

  private cutEveryHop(now: number): void {
    while (this.position + this.windowSamples <= now) {
      this.cut(this.position, this.position + this.windowSamples);
      this.position += this.endpoint.number('hop');
    }
  }

  private followSound(now: number): void {
    const { microphone } = this.options;
    const wake = this.endpoint.number('wake_level');
    const block = microphone.read(this.position, now);
    const isLoud = levelOf(block) >= wake;
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
  }

  private cut(begin: number, end: number): void {
    const { microphone, deliver } = this.options;
    const pcm = microphone.read(begin, end);
    this.lastLevel = levelOf(pcm);
    const number = this.delivered + 1;
    const truth = microphone.heardIn(begin, end);
    if (!deliver({ number, pcm, level: this.lastLevel, truth })) {
      this.overruns++;
      this.endpoint.event('overrun', [this.overruns]);
      return;
    }
    this.delivered = number;
    this.endpoint.event('window_ready', [number, this.lastLevel]);
  }
}

/** Root mean square in dB below full scale. */
export function levelOf(pcm: Int16Array): number {
  let sum = 0;
  for (const sample of pcm) sum += sample * sample;
  if (sum === 0) return FLOOR_DB;
  return Math.max(FLOOR_DB, 10 * Math.log10(sum / pcm.length / 32768 ** 2));
}
