import type { Values } from './endpoint.ts';
import type { Phase, PhaseAccuracy, StoryEvent, WindowEvent } from './events.ts';
import { type Prediction, STATUS } from './learner.ts';
import type { HeardWindow } from './powered-board.ts';

/** Events without their time, which the observer adds. */
type Timeless<E> = E extends StoryEvent ? Omit<E, 't'> : never;

const REASONS = ['steps', 'budget', 'stopped', 'failed'];

export interface ObserverOptions {
  /** Seconds of virtual time. */
  now: () => number;
  labels: readonly string[];
  emit: (event: StoryEvent) => void;
  /** The device asks for a word. */
  onAsk: (word: string) => void;
  /** What the script decided, in its words. */
  onDecision: (text: string) => void;
}

/**
 * Turns service traffic and console lines into the events of the story, by the convention in
 * docs/simulator.md, and keeps count.
 */
export class Observer {
  phase: Phase = 'known';
  rebooted = false;
  readonly windows: WindowEvent[] = [];
  falseAlarms = 0;
  delay: number | null = null;
  steps = 0;
  trainingEnergy = 0;
  /** Times that the device has learned: one or more bursts until it was content or gave up. */
  lessons = 0;
  adapterBytes: number | null = null;
  isTraining = false;
  isEnrolling = false;
  /** From the first burst until the script is back in ordinary use. */
  isLearning = false;
  loaded = false;
  private readonly afterReboot = new Set<WindowEvent>();
  private held?: WindowEvent;
  private enrolment = { words: 0, takes: 0, remembered: 0 };

  constructor(private readonly options: ObserverOptions) {}

  onPrediction(prediction: Prediction, { truth }: HeardWindow, enrolling: boolean): void {
    this.flush();
    if (truth === undefined) return;
    const heard = this.options.labels[prediction.label] ?? String(prediction.label);
    const event: WindowEvent = {
      event: 'window',
      t: this.options.now(),
      index: this.windows.length + 1,
      phase: this.phase,
      speaker: truth.speaker,
      said: truth.label,
      heard,
      right: heard === truth.label,
      enrolling,
      training: this.isLearning,
      confidence: prediction.confidence,
      margin: prediction.margin,
    };
    this.windows.push(event);
    if (this.rebooted) this.afterReboot.add(event);
    this.held = event;
  }

  /** Sends a window that waits for the script's word on it. */
  flush(): void {
    const { held } = this;
    this.held = undefined;
    if (held !== undefined) this.options.emit(held);
  }

  onLine(text: string): void {
    const [word, ...rest] = text.trim().split(/\s+/);
    const pairs = Object.fromEntries(rest.map((pair) => splitPair(pair)));
    if (word === 'statistic') this.onStatistic(Number(pairs['value']), Number(pairs['limit']));
    else if (word === 'drift') this.onDrift(pairs);
    else if (word === 'enrol') this.onEnrol(Number(pairs['words']), Number(pairs['takes']));
    else if (word === 'ask') this.options.onAsk(pairs['word'] ?? '');
    else if (word === 'decision') this.options.onDecision(rest.join(' '));
  }

  onTraffic(name: string, values: Values, command: Values = []): void {
    const [first = 0, second = 0, third = 0, fourth = 0, fifth = 0, sixth = 0] = values.map(Number);
    const slot = Number(command[0] ?? 0);
    if (name === 'training_progress') this.burst('progress', first, second, third, fourth);
    else if (name === 'training_done') this.onTrainingDone(first, second, third, fourth);
    if (first !== STATUS.ok) return;
    if (name === 'remember') this.enrolment.remembered++;
    else if (name === 'train') this.onTrain(Number(command[0]));
    else if (name === 'restore') this.burst('undone', 0, 0, 0, 0);
    else if (name === 'check') this.onCheck(second, third, fourth, fifth, sixth);
    else if (name === 'save') this.onSaved(slot, second);
    else if (name === 'load') {
      this.loaded = true;
      this.emit({ event: 'loaded', slot, bytes: second });
    }
  }

  onReboot(): void {
    this.rebooted = true;
    this.isTraining = false;
    this.isEnrolling = false;
    this.isLearning = false;
    this.loaded = false;
    this.emit({ event: 'reboot' });
  }

  /** Windows in ordinary use. */
  count(phase: Phase): number {
    return this.windows.filter(
      (window) => window.phase === phase && !window.training && !window.enrolling,
    ).length;
  }

  accuracy(phase: Phase, afterReboot?: boolean): PhaseAccuracy {
    const chosen = this.counted(phase).filter(
      (window) => afterReboot === undefined || this.afterReboot.has(window) === afterReboot,
    );
    const right = chosen.filter((window) => window.right).length;
    const accuracy = chosen.length === 0 ? null : right / chosen.length;
    return { windows: chosen.length, right, accuracy };
  }

  /** Windows whose accuracy counts: what was said on request too, as long as nothing was trained. */
  private counted(phase: Phase): WindowEvent[] {
    const asked = phase === 'new';
    return this.windows.filter(
      (window) => window.phase === phase && !window.training && (asked || !window.enrolling),
    );
  }

  private emit(event: Timeless<StoryEvent>): void {
    this.flush();
    this.options.emit({ ...event, t: this.options.now() } as StoryEvent);
  }

  private onStatistic(value: number, limit: number): void {
    // a script that is back in ordinary use has found that it need not train
    if (!this.isTraining) {
      this.endEnrolment();
      this.isLearning = false;
    }
    if (this.held === undefined) return;
    this.held.statistic = value;
    if (Number.isFinite(limit)) this.held.limit = limit;
    this.flush();
  }

  private onDrift(pairs: Record<string, string>): void {
    const { statistic = '0', ...details } = pairs;
    const windowsSinceChange = this.phase === 'known' ? 0 : this.count('new');
    if (this.phase === 'new') this.delay ??= windowsSinceChange;
    else this.falseAlarms++;
    this.emit({ event: 'drift', statistic: Number(statistic), windowsSinceChange, details });
  }

  private onEnrol(words: number, takes: number): void {
    this.isEnrolling = true;
    this.enrolment = { words, takes, remembered: 0 };
    this.emit({ event: 'enrol', state: 'begin', ...this.enrolment });
  }

  private endEnrolment(): void {
    if (!this.isEnrolling) return;
    this.isEnrolling = false;
    this.emit({ event: 'enrol', state: 'end', ...this.enrolment });
  }

  private onTrain(steps: number): void {
    this.endEnrolment();
    if (!this.isLearning) this.lessons++;
    this.isTraining = true;
    this.isLearning = true;
    this.burst('begin', 0, steps, 0, 0);
  }

  private onTrainingDone(reason: number, steps: number, loss: number, joules: number): void {
    this.isTraining = false;
    this.steps += steps;
    this.trainingEnergy += joules * 1000;
    this.burst('end', steps, steps, loss, joules, REASONS[reason]);
  }

  private burst(
    state: 'begin' | 'progress' | 'end' | 'undone',
    step: number,
    steps: number,
    loss: number,
    joules: number,
    reason?: string,
  ): void {
    this.emit({ event: 'burst', state, step, steps, loss, energy: joules * 1000, reason });
  }

  private onCheck(
    heldOut: number,
    before: number,
    after: number,
    lossBefore: number,
    lossAfter: number,
  ): void {
    this.emit({ event: 'check', heldOut, before, after, lossBefore, lossAfter });
  }

  private onSaved(slot: number, bytes: number): void {
    this.adapterBytes = bytes;
    this.isLearning = false;
    this.emit({ event: 'saved', slot, bytes });
    if (this.phase === 'new') this.phase = 'adapted';
  }
}

function splitPair(pair: string): [string, string] {
  const at = pair.indexOf('=');
  return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
}
