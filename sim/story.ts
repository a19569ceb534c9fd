import { existsSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { RetuneError } from '../cli/error.ts';
import { energyReport, wattsOf, type EnergyReport, type Workload } from '../compiler/energy.ts';
import { readManifest } from '../compiler/manifest.ts';
import { compileProgram, type Program, projectRoot } from './compile.ts';
import { listeningCycles } from './cycles.ts';
import type { StoryEvent, SummaryEvent } from './events.ts';
import type { CreateEngine } from './learning-engine.ts';
import { DEFAULT_MODEL, engineFactory, MODELS } from './model-engine.ts';
import { Observer } from './observer.ts';
import { plotStory } from './plot.ts';
import { energyBoard, loadBoard } from './processor.ts';
import { checkSpeakers, listSpeakers, loadRecordings, type Recording } from './recordings.ts';
import { Speaker } from './speaker.ts';
import { summaryTable } from './summary.ts';
import { DEFAULT_TARGET, powerOnFor, type Target, TARGET_NAMES } from './targets.ts';
import { User } from './user.ts';
import { LiveView } from './view.ts';
import { DEMO, demoVoices } from './voices.ts';
import { World } from './world.ts';
import { checkWritable, writeResult } from '../cli/writable.ts';

export interface StoryOptions {
  /** DeviceScript program; default src/keyword.ts. */
  app?: string;
  /** Folder of recordings; default: synthesised voices. */
  data?: string;
  /** Speaker that the device knows, and the one who comes after; default: the first two of the folder. */
  known?: string;
  new?: string;
  /** A .tflite; default: the one trained without the new speaker if there is one, else digits.tflite. */
  model?: string;
  /** Seed of everything random; default 1. */
  seed?: number;
  /** Where the script runs; default: our firmware as WebAssembly. */
  target?: Target;
  /** One JSON object a line on stdout, instead of view and table. */
  json?: boolean;
  /** No live view; the table is printed all the same. Without a terminal there is none anyway. */
  headless?: boolean;
  /** Path of the plot; default .retune/story.svg. */
  plot?: string;
  /** Where the board's flash goes when the story is over, for `retune delta` and `retune store`; not
   * with the official VM, which has none. */
  flash?: string;
  /** Virtual seconds a second at most; default: 25 with the live view, else as fast as it goes. */
  speed?: number;
  /** Windows of the known speaker before the other comes; default 80. */
  knownWindows?: number;
  /** Takes what goes to stdout, table or JSON; default: stdout. */
  print?: (text: string) => void;
  /** For tests: called with every event. */
  onEvent?: (event: StoryEvent) => void;
  /** For tests on the official VM: another engine than that of the model. */
  createEngine?: CreateEngine;
}

const PLOT_ADVICE = 'name another place with --plot';
const FLASH_ADVICE = 'name another place with --flash';
const DEFAULT_PLOT = join(projectRoot, '.retune', 'story.svg');
/** Ordinary windows after which the story stops waiting, or goes on. */
const UNTIL_DRIFT = 150;
const UNTIL_SAVED = 60;
const UNTIL_REBOOT = 40;
const AFTER_REBOOT = 40;
const VIEW_SPEED = 25;
/** A story takes some 15 minutes of virtual time; one that takes this long hangs. */
const LONGEST_MS = 3 * 3600 * 1000;

interface Cast {
  /** Folder of the recordings. */
  folder: string;
  known: string;
  new: string;
  recordings: Recording[];
  model: string;
  createEngine: CreateEngine;
  rate: number;
  labels: readonly string[];
  /** Of a window; what training takes is seen as it happens. */
  load: Workload;
}

/**
 * Runs the keyword story in the simulator: a known speaker, then a new one, drift, enrolment, training, check, save, reboot, load. Prints view and table, or JSON lines.
 */
export async function runStory(options: StoryOptions = {}): Promise<SummaryEvent> {
  const say = (text: string): void => {
    if (options.json !== true) process.stderr.write(`${text}\n`);
  };
  checkWritable(options.plot ?? DEFAULT_PLOT, PLOT_ADVICE);
  if (options.flash !== undefined) checkFlash(options.flash, options.target);
  const app = options.app ?? join(projectRoot, 'src', 'keyword.ts');
  const [cast, program] = await Promise.all([chooseCast(options, say), compileProgram(app)]);
  return new Story(options, cast, program).run();
}

function checkFlash(file: string, target?: Target): void {
  if (target === 'official') {
    throw new RetuneError(`--flash ${file}: the official VM has no flash; add --target wasm`);
  }
  checkWritable(file, FLASH_ADVICE);
}

async function chooseCast(options: StoryOptions, say: (text: string) => void): Promise<Cast> {
  const folder = options.data ?? (await demoVoices(say));
  const people = choosePeople(folder, options);
  const model = options.model ?? defaultModel(people.new);
  const createEngine = options.createEngine ?? engineFactory(model);
  const engine = await createEngine();
  const { sampleRate: rate, labels, featureCycles, inferenceCycles } = engine;
  const load = {
    windowSeconds: engine.windowSamples / rate,
    featureCycles,
    inferenceCycles,
    listeningCycles: listeningCycles(rate),
  };
  const recordings = loadRecordings(folder, rate);
  return { ...people, folder, recordings, model, createEngine, rate, labels, load };
}

function choosePeople(folder: string, options: StoryOptions): { known: string; new: string } {
  const people = listSpeakers(folder);
  const usual = options.data === undefined ? DEMO : undefined;
  const known = options.known ?? usual?.known ?? people.find((name) => name !== options.new);
  const stranger = options.new ?? usual?.new ?? people.find((name) => name !== known);
  if (known === undefined || stranger === undefined) {
    throw new RetuneError(
      `${folder}: the story needs two speakers, here is ${people.join() || 'none'}; add recordings of another`,
    );
  }
  checkSpeakers(folder, [known, stranger], people);
  if (known === stranger) {
    throw new RetuneError(
      `${folder}: --known and --new are both ${known}; the story needs two speakers of ${people.join(', ')}`,
    );
  }
  return { known, new: stranger };
}

/** The new speaker must be new to the model too, where it can be. */
function defaultModel(stranger: string): string {
  const without = join(MODELS, `without-${stranger}.tflite`);
  return existsSync(without) ? without : DEFAULT_MODEL;
}

class Story {
  private readonly board = loadBoard();
  private readonly world: World;
  private readonly observer: Observer;
  private readonly events: StoryEvent[] = [];
  private readonly view?: LiveView;
  private readonly people: { known: Speaker; new: Speaker };
  private user!: User;

  constructor(
    private readonly options: StoryOptions,
    private readonly cast: Cast,
    program: Program,
  ) {
    this.world = new World({
      board: this.board,
      program,
      powerOn: powerOnFor({ ...cast, target: this.target }),
      seed: options.seed ?? 1,
      rate: cast.rate,
      charge: 1,
      events: {
        onLog: (level, text) => {
          if (level === '>') this.observer.onLine(text);
        },
        onPrediction: (prediction, window) => {
          const enrolling = this.user.isEnrolling(window.truth);
          this.observer.onPrediction(prediction, window, enrolling);
          this.user.onPrediction(cast.labels[prediction.label] ?? '', window);
        },
        onTraffic: (name, values, command) => this.observer.onTraffic(name, values, command),
      },
    });
    this.observer = new Observer({
      now: () => this.seconds,
      labels: cast.labels,
      emit: (event) => this.emit(event),
      onAsk: (word) => {
        this.view?.onAsk(word);
        this.user.onAsk(word);
      },
      onDecision: (text) => this.view?.tell(text),
    });
    const { random } = this.world;
    const person = (name: string): Speaker =>
      new Speaker(name, cast.recordings, cast.labels, random, cast.folder);
    this.people = { known: person(cast.known), new: person(cast.new) };
    const isWatched = options.json !== true && options.headless !== true;
    if (isWatched && process.stderr.isTTY) this.view = this.createView();
  }

  async run(): Promise<SummaryEvent> {
    await this.powerOn(this.people.known);
    const outcome = await this.live();
    this.observer.flush();
    this.view?.end();
    const summary = this.finish(outcome);
    this.world.powerOff();
    const { chip } = this.world.flash;
    if (this.options.flash !== undefined && chip !== undefined) {
      writeResult(this.options.flash, chip, FLASH_ADVICE);
    }
    return summary;
  }

  private get target(): Target {
    return this.options.target ?? DEFAULT_TARGET;
  }

  private get seconds(): number {
    return Math.round(this.world.clock.now) / 1000;
  }

  private createView(): LiveView {
    const title = `Retune: ${this.cast.known}, then ${this.cast.new}, on ${TARGET_NAMES[this.target]}`;
    return new LiveView(title, () => ({
      time: this.seconds,
      energy: 1000 * this.world.joules,
      charge: this.world.battery.charge,
      brightness: this.world.brightness,
    }));
  }

  private emit(event: StoryEvent): void {
    this.events.push(event);
    this.options.onEvent?.(event);
    this.view?.onEvent(event);
    if (this.options.json === true) this.print(JSON.stringify(event));
  }

  private print(text: string): void {
    if (this.options.print === undefined) process.stdout.write(`${text}\n`);
    else this.options.print(text);
  }

  private async powerOn(speaker: Speaker): Promise<void> {
    const { world } = this;
    await world.powerOn();
    const press = (duration: number): void => world.board.press(duration);
    const timers = world.clock.group();
    this.user = new User(timers, world.microphone, world.random, press, speaker);
    // the script needs a moment to find its services
    this.user.start(3000);
  }

  /** Lets the world run until the story is over. */
  private async live(): Promise<SummaryEvent['outcome']> {
    const { world, observer } = this;
    const speed = this.options.speed ?? (this.view === undefined ? Infinity : VIEW_SPEED);
    const begun = performance.now();
    while (world.clock.now < LONGEST_MS) {
      await world.step(LONGEST_MS);
      const ahead = world.clock.now / speed - (performance.now() - begun);
      if (ahead > 20) await wait(ahead);
      this.view?.refresh();
      const outcome = await this.direct();
      if (outcome !== undefined) return outcome;
    }
    return observer.delay === null ? 'no drift' : 'not saved';
  }

  /** Changes the world when its time has come. @returns how the story ended, once it has */
  private async direct(): Promise<SummaryEvent['outcome'] | undefined> {
    const { observer } = this;
    const isIdle = !observer.isEnrolling && !observer.isTraining;
    if (observer.phase === 'known') {
      if (isIdle && observer.count('known') >= (this.options.knownWindows ?? 80))
        this.changeSpeaker();
    } else if (observer.phase === 'new') {
      if (observer.delay === null)
        return observer.count('new') >= UNTIL_DRIFT ? 'no drift' : undefined;
      const waited = observer.count('new') - observer.delay;
      return isIdle && waited >= UNTIL_SAVED ? 'not saved' : undefined;
    } else if (!observer.rebooted) {
      if (isIdle && observer.count('adapted') >= UNTIL_REBOOT) await this.reboot();
    } else {
      const { windows } = observer.accuracy('adapted', true);
      return windows >= AFTER_REBOOT ? 'complete' : undefined;
    }
    return undefined;
  }

  private changeSpeaker(): void {
    this.observer.flush();
    this.observer.phase = 'new';
    this.user.speaker = this.people.new;
    this.user.start();
  }

  private async reboot(): Promise<void> {
    this.user.stop();
    this.world.powerOff();
    this.observer.onReboot();
    await this.powerOn(this.people.new);
  }

  /** A day as the manifest has it, with the training of this story for its bursts. */
  private power(): EnergyReport {
    const { observer, cast } = this;
    const board = energyBoard(this.board);
    const { duty } = readManifest(join(projectRoot, 'devicescript.json'));
    if (observer.lessons === 0) return energyReport(board, cast.load, duty);
    const seconds = observer.trainingEnergy / 1000 / wattsOf(board.power, 'active');
    const burstCycles = (seconds * board.clockHz) / observer.lessons;
    return energyReport(board, { ...cast.load, burstCycles }, duty);
  }

  private finish(outcome: SummaryEvent['outcome']): SummaryEvent {
    const { observer, cast, world } = this;
    const plot = this.options.plot ?? DEFAULT_PLOT;
    const summary: SummaryEvent = {
      event: 'summary',
      t: this.seconds,
      outcome,
      target: this.target,
      seed: this.options.seed ?? 1,
      model: basename(cast.model),
      known: cast.known,
      new: cast.new,
      beforeDrift: observer.accuracy('known'),
      afterDrift: observer.accuracy('new'),
      afterAdaptation: observer.accuracy('adapted'),
      beforeReboot: observer.accuracy('adapted', false),
      afterReboot: observer.accuracy('adapted', true),
      falseAlarms: observer.falseAlarms,
      delay: observer.delay,
      steps: observer.steps,
      trainingEnergy: observer.trainingEnergy,
      energy: 1000 * world.joules,
      power: this.power(),
      adapterBytes: observer.adapterBytes,
      rebooted: observer.rebooted,
      loaded: observer.loaded,
      plot: relative('.', plot),
    };
    writeResult(plot, plotStory(this.events, `${cast.known}, then ${cast.new}`), PLOT_ADVICE);
    this.emit(summary);
    if (this.options.json !== true) this.print(summaryTable(summary));
    return summary;
  }
}
