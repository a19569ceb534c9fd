import { join } from 'node:path';
import Table from 'cli-table3';
import { RetuneError } from '../cli/error.ts';
import { compileProgram, type Program, projectRoot } from './compile.ts';
import type { Utterance } from './microphone.ts';
import { DEFAULT_MODEL, engineFactory } from './model-engine.ts';
import { loadBoard } from './processor.ts';
import { checkSpeakers, listSpeakers, loadRecordings, type Recording } from './recordings.ts';
import { Speaker } from './speaker.ts';
import { DEFAULT_TARGET, powerOnFor, type Target } from './targets.ts';
import { DEMO, demoVoices, speedUp } from './voices.ts';
import { World } from './world.ts';

export interface UsersOptions {
  /** DeviceScript program; default src/multiuser.ts. */
  app?: string;
  /** Folder of recordings; default: synthetic voices. */
  data?: string;
  /** The two people; default: the first two of the folder. */
  people?: string[];
  /** A .tflite; default models/digits/digits.tflite. */
  model?: string;
  target?: Target;
  /** Of everything random; default 1. */
  seed?: number;
  /** Words that each person says in each part of the story; default 30. */
  words?: number;
  /** One JSON object on stdout instead of the table. */
  json?: boolean;
  /** Takes what goes to stdout; default: stdout. */
  print?: (text: string) => void;
  /** Takes the script's console. */
  onLine?: (line: string) => void;
}

export interface Share {
  right: number;
  words: number;
}

/** How well a person is understood. */
export interface PersonResult {
  name: string;
  /** With the base model. */
  before: Share;
  /** With the adapter trained on this person's voice, by which time the other's was trained too. */
  own: Share;
  /** With the other person's. */
  others: Share;
  /** With the own one after a reboot. */
  rebooted: Share;
}

export interface UsersSummary {
  people: PersonResult[];
  /** Changes of place. */
  swaps: number;
  /** Milliseconds of virtual time from the press to the script's answer: the longest. */
  slowestSwap: number;
  /** Adapters in flash at the end. */
  saved: number;
}

/** All in milliseconds. */
const BOOT = 20_000;
const ANSWER_AFTER = 300;
const SHORT_PRESS = 150;
const LONG_PRESS = 750;
const REACTION = 600;
const PAUSE = 700;
const HEARD_WITHIN = 4000;
const LEARNT_WITHIN = 1_800_000;

/** A grown-up's voice slowed down: a long tract, a low pitch. */
const GIANT = { name: 'giant', of: DEMO.known, slower: 0.62 } as const;

/** Two people use one device in turn: see docs/hot-swap.md. */
export async function runUsers(options: UsersOptions = {}): Promise<UsersSummary> {
  const app = options.app ?? join(projectRoot, 'src', 'multiuser.ts');
  const program = await compileProgram(app);
  const model = options.model ?? DEFAULT_MODEL;
  const createEngine = engineFactory(model);
  const { sampleRate: rate, labels } = await createEngine();
  const { folder, recordings, names } = await cast(options, rate);
  const household = new Household(options, program, { rate, labels }, (random) =>
    names.map((name) => new Speaker(name, recordings, labels, random, folder)),
  );
  household.connect(powerOnFor({ target: options.target ?? DEFAULT_TARGET, model, createEngine }));
  const summary = await household.run();
  const print = options.print ?? ((text: string) => void process.stdout.write(`${text}\n`));
  print(options.json === true ? JSON.stringify(summary) : usersTable(summary));
  return summary;
}

async function cast(
  options: UsersOptions,
  rate: number,
): Promise<{ folder: string; recordings: Recording[]; names: string[] }> {
  const folder = options.data ?? (await demoVoices());
  const recordings = loadRecordings(folder, rate);
  if (options.data === undefined) {
    const grownUp = recordings.filter(({ speaker }) => speaker === GIANT.of);
    const giant = grownUp.map((clip) => ({
      ...clip,
      speaker: GIANT.name,
      pcm: speedUp(clip.pcm, GIANT.slower),
    }));
    return { folder, recordings: [...recordings, ...giant], names: [DEMO.new, GIANT.name] };
  }
  const all = listSpeakers(folder);
  const names = options.people ?? all.slice(0, 2);
  checkSpeakers(folder, names, all);
  if (names.length !== 2 || names[0] === names[1]) {
    throw new RetuneError(`${folder}: two people are needed; name two of ${all.join(', ')}`);
  }
  return { folder, recordings, names };
}

/** The people and their device. */
class Household {
  private world!: World;
  private speakers: Speaker[] = [];
  /** The last line that the script has written of each kind, by its first word. */
  private readonly lines = new Map<string, string[]>();
  private heard?: { word: string; truth: Utterance | undefined };
  private asked?: string;
  private active = 0;
  private swaps = 0;
  private slowestSwap = 0;

  constructor(
    private readonly options: UsersOptions,
    private readonly program: Program,
    private readonly facts: { rate: number; labels: readonly string[] },
    private readonly speakersOf: (random: World['random']) => Speaker[],
  ) {}

  connect(powerOn: ReturnType<typeof powerOnFor>): void {
    const { labels, rate } = this.facts;
    this.world = new World({
      board: loadBoard(),
      program: this.program,
      powerOn,
      seed: this.options.seed ?? 1,
      rate,
      charge: 1,
      events: {
        onLog: (level, text) => {
          if (level === '>') this.note(text);
        },
        onPrediction: ({ label }, { truth }) => {
          this.heard = { word: labels[label] ?? '', truth };
        },
        onTraffic: () => undefined,
      },
    });
    this.speakers = this.speakersOf(this.world.random);
  }

  async run(): Promise<UsersSummary> {
    await this.boot();
    const before = await this.turns(0);
    for (const person of this.speakers.keys()) await this.teach(person);
    const own = await this.turns(0);
    const others = await this.turns(1);
    this.world.powerOff();
    await this.boot();
    const rebooted = await this.turns(0);
    this.world.powerOff();
    const of = (shares: Share[], person: number): Share => shares[person] as Share;
    return {
      people: this.speakers.map(({ name }, i) => ({
        name,
        before: of(before, i),
        own: of(own, i),
        others: of(others, i),
        rebooted: of(rebooted, i),
      })),
      swaps: this.swaps,
      slowestSwap: Math.round(this.slowestSwap),
      saved: this.linesOf('saved').length,
    };
  }

  private note(text: string): void {
    this.options.onLine?.(text);
    const kind = text.split(' ', 1)[0] ?? '';
    this.lines.set(kind, [...this.linesOf(kind), text]);
    if (kind === 'ask') this.asked = /word=(\S+)/.exec(text)?.[1];
  }

  private linesOf(kind: string): string[] {
    return this.lines.get(kind) ?? [];
  }

  private async boot(): Promise<void> {
    const count = this.linesOf('ready').length;
    await this.world.powerOn();
    await this.until(() => this.linesOf('ready').length > count, BOOT, 'the script is not ready');
    this.active = 0;
    await this.pass(500);
  }

  /** Everybody speaks, with the place that is so many further than the own one. */
  private async turns(further: number): Promise<Share[]> {
    const shares: Share[] = [];
    for (const [person, speaker] of this.speakers.entries()) {
      await this.handTo((person + further) % this.speakers.length);
      shares.push(await this.speak(speaker));
    }
    return shares;
  }

  private async speak(speaker: Speaker): Promise<Share> {
    const words = this.options.words ?? 30;
    let right = 0;
    for (let i = 0; i < words; i++) {
      const heard = await this.say(speaker.anyWord());
      if (heard !== undefined && heard.word === heard.truth?.label) right++;
    }
    return { right, words };
  }

  /** Says a word and waits until the board has made something of it. */
  private async say(recording: Recording): Promise<typeof this.heard> {
    const { world } = this;
    this.heard = undefined;
    world.microphone.forgetBefore(world.clock.now - 10_000);
    world.microphone.play({ ...recording, at: world.clock.now });
    const end = world.microphone.busyUntil + HEARD_WITHIN;
    while (this.heard === undefined && world.clock.now < end) await world.step(end);
    await this.pass(PAUSE);
    return this.heard;
  }

  /** Passes the device on with a short press, unless this person has it. */
  private async handTo(person: number): Promise<void> {
    if (person === this.active) return;
    const { world } = this;
    const count = this.linesOf('person').length;
    world.board.press(SHORT_PRESS);
    const released = world.clock.now + SHORT_PRESS;
    const isDone = (): boolean => this.linesOf('person').length > count;
    await this.until(isDone, HEARD_WITHIN, 'the script does not pass the device on');
    this.slowestSwap = Math.max(this.slowestSwap, world.clock.now - released);
    this.swaps++;
    this.active = person;
    await this.pass(PAUSE);
  }

  /** A long press; then the person says what is asked for until it has been learnt and saved. */
  private async teach(person: number): Promise<void> {
    await this.handTo(person);
    const { world } = this;
    const speaker = this.speakers[person] as Speaker;
    const count = this.linesOf('decision').length;
    this.asked = undefined;
    world.board.press(LONG_PRESS);
    const end = world.clock.now + LEARNT_WITHIN;
    while (this.linesOf('decision').length === count && world.clock.now < end) {
      await world.step(end);
      if (this.asked !== undefined) await this.answer(speaker, this.asked);
    }
    await this.pass(3000); // saving, and dropping the windows
  }

  private async answer(speaker: Speaker, word: string): Promise<void> {
    this.asked = undefined;
    await this.pass(REACTION);
    const recording = speaker.askedWord(word);
    if (recording === undefined) return; // a word that this person never says
    const { world } = this;
    this.heard = undefined;
    world.microphone.play({ ...recording, at: world.clock.now });
    const end = world.microphone.busyUntil + HEARD_WITHIN;
    while (this.heard === undefined && world.clock.now < end) await world.step(end);
    await this.pass(ANSWER_AFTER);
    world.board.press(SHORT_PRESS);
  }

  private async pass(milliseconds: number): Promise<void> {
    const end = this.world.clock.now + milliseconds;
    while (this.world.clock.now < end) await this.world.step(end);
  }

  private async until(isDone: () => boolean, within: number, failure: string): Promise<void> {
    const end = this.world.clock.now + within;
    while (!isDone()) {
      if (this.world.clock.now >= end) {
        throw new RetuneError(`${this.options.app ?? 'src/multiuser.ts'}: ${failure}`);
      }
      await this.world.step(end);
    }
  }
}

const shareText = ({ right, words }: Share): string =>
  `${((100 * right) / words).toFixed(1)} % (${right} of ${words})`;

/** One row a person. */
export function usersTable({ people, swaps, slowestSwap, saved }: UsersSummary): string {
  const table = new Table({
    head: ['person', 'base model', 'own adapter', "the other's", 'own, after a reboot'],
    style: { head: [], border: [] },
  });
  for (const { name, before, own, others, rebooted } of people) {
    table.push([name, ...[before, own, others, rebooted].map(shareText)]);
  }
  const rest = `${swaps} changes of place, the slowest ${slowestSwap} ms after the press; ${saved} adapters saved`;
  return `${table.toString()}\n${rest}`;
}
