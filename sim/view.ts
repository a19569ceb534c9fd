import { createLogUpdate } from 'log-update';
import pc from 'picocolors';
import type { BurstEvent, StoryEvent, WindowEvent } from './events.ts';
import { AVERAGED } from './plot.ts';

const BAR = 30;
const STORY_LINES = 8;
const REFRESH_MS = 100;
const SPARKS = '▁▂▃▄▅▆▇█';
const SPARK_COUNT = 40;

/** What the view asks of the world at every refresh. */
export interface Status {
  /** Seconds of virtual time. */
  time: number;
  /** Millijoules of features, inference and training. */
  energy: number;
  /** 0..1 */
  charge: number;
  /** LED, 0..1 */
  brightness: number;
}

/** The story as it happens, redrawn in place on a terminal. */
export class LiveView {
  private readonly draw: ReturnType<typeof createLogUpdate>;
  private readonly windows: WindowEvent[] = [];
  private readonly told: string[] = [];
  private burst?: BurstEvent;
  private asked = '';
  private drawnAt = 0;

  constructor(
    private readonly title: string,
    private readonly status: () => Status,
    stream: NodeJS.WriteStream = process.stderr,
  ) {
    this.draw = createLogUpdate(stream);
  }

  onEvent(event: StoryEvent): void {
    if (event.event === 'window') {
      this.windows.push(event);
      this.asked = '';
    } else if (event.event === 'burst') {
      this.burst = event;
      if (event.state === 'end')
        this.tell(`trained ${event.step} steps, loss ${event.loss.toFixed(3)}`);
      else if (event.state === 'undone') this.tell('took the last burst back');
    } else this.tellEvent(event);
    this.refresh();
  }

  onAsk(word: string): void {
    this.asked = word;
    this.refresh();
  }

  /** A line about what the script decided. */
  tell(text: string): void {
    this.told.push(`${pc.dim(clock(this.status().time))} ${text}`);
    if (this.told.length > STORY_LINES) this.told.shift();
  }

  refresh(force = false): void {
    const now = Date.now();
    if (!force && now - this.drawnAt < REFRESH_MS) return;
    this.drawnAt = now;
    this.draw(this.lines().join('\n'));
  }

  /** Leaves the last picture on the screen. */
  end(): void {
    this.refresh(true);
    this.draw.done();
  }

  private tellEvent(event: Exclude<StoryEvent, WindowEvent | BurstEvent>): void {
    if (event.event === 'drift') {
      this.tell(pc.yellow(`drift noticed, statistic ${event.statistic.toFixed(2)}`));
    } else if (event.event === 'enrol' && event.state === 'begin') {
      this.tell(`enrolment: asks for ${event.words} words, ${event.takes} times each`);
    } else if (event.event === 'enrol')
      this.tell(`enrolment: ${event.remembered} windows labelled`);
    else if (event.event === 'check') {
      this.tell(
        `check on ${event.heldOut} held-out windows: ${event.before} right before, ${event.after} now`,
      );
    } else if (event.event === 'saved') {
      this.tell(pc.green(`saved ${event.bytes} bytes to slot ${event.slot}`));
    } else if (event.event === 'reboot') this.tell(pc.magenta('power cut, reboot'));
    else if (event.event === 'loaded') this.tell(pc.green(`loaded slot ${event.slot}`));
  }

  private lines(): string[] {
    const { time, energy, charge, brightness } = this.status();
    const last = this.windows.at(-1);
    const led = brightness > 0 ? pc.yellow('●') : pc.dim('○');
    return [
      pc.bold(this.title),
      `${clock(time)}   battery ${(100 * charge).toFixed(1)} %   energy ${energy.toFixed(0)} mJ   LED ${led}`,
      '',
      `speaker    ${last === undefined ? '-' : `${last.speaker} (${last.phase})`}`,
      `word       ${this.wordLine(last)}`,
      `accuracy   ${this.accuracyLine()}`,
      `drift      ${this.driftLine(last)}`,
      `training   ${this.burstLine()}`,
      '',
      ...this.told,
    ];
  }

  private wordLine(last: WindowEvent | undefined): string {
    if (this.asked !== '') return `${pc.cyan('please say')} ${pc.bold(this.asked)}`;
    if (last === undefined) return '-';
    const verdict = last.right ? pc.green('✓') : pc.red(`✗ it was ${last.said}`);
    return `${last.heard.padEnd(8)} ${(100 * last.confidence).toFixed(0).padStart(3)} %  ${verdict}`;
  }

  private accuracyLine(): string {
    const recent = this.windows
      .filter(({ enrolling, training }) => !enrolling && !training)
      .slice(-AVERAGED);
    if (recent.length === 0) return '-';
    const share = recent.filter(({ right }) => right).length / recent.length;
    const ticks = recent.map(({ right }) => (right ? pc.green('✓') : pc.red('✗'))).join('');
    return `${bar(share)} ${(100 * share).toFixed(0).padStart(3)} % of the last ${recent.length}  ${ticks}`;
  }

  private driftLine(last: WindowEvent | undefined): string {
    const values = this.windows.flatMap(({ statistic }) => statistic ?? []).slice(-SPARK_COUNT);
    if (values.length === 0) return '-';
    const limit = last?.limit;
    const top = Math.max(limit ?? 0, ...values) || 1;
    const sparks = values.map((value) => SPARKS[Math.round((7 * Math.max(0, value)) / top)] ?? '');
    const of = limit === undefined ? '' : ` of ${limit}`;
    return `${sparks.join('')} ${(values.at(-1) ?? 0).toFixed(2)}${of}`;
  }

  private burstLine(): string {
    if (this.burst === undefined) return '-';
    const { state, step, steps, loss, energy } = this.burst;
    if (state === 'undone') return 'taken back';
    const share = steps === 0 ? 0 : step / steps;
    return `${bar(share)} ${step}/${steps} steps   loss ${loss.toFixed(3)}   ${energy.toFixed(1)} mJ`;
  }
}

function bar(share: number): string {
  const full = Math.round(share * BAR);
  return '█'.repeat(full) + pc.dim('░'.repeat(BAR - full));
}

export function clock(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
}
