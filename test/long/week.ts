/**
 * Days of virtual time in the life of a board: people talk, voices change, microphones break, power
 * fails in the middle of whatever it is doing. Watches that nothing is lost meanwhile.
 */
import { join } from 'node:path';
import type { Program } from '../../sim/compile.ts';
import { compileProgram, projectRoot } from '../../sim/compile.ts';
import type { OpenBoardLink } from '../../fleet/board-link.ts';
import { applyDelta, RefusedError } from '../../fleet/transfer.ts';
import type { Firmware } from '../../sim/firmware.ts';
import { Courier, type Delivery } from './deliveries.ts';
import type { StoryEvent } from '../../sim/events.ts';
import { FaultyMicrophone } from '../../sim/faults.ts';
import { FirmwareBoard } from '../../sim/firmware-board.ts';
import { placeLearner } from '../../sim/learner-setup.ts';
import { STATUS } from '../../sim/learner.ts';
import { DEFAULT_MODEL } from '../../sim/model-engine.ts';
import { Observer } from '../../sim/observer.ts';
import type { HeardWindow } from '../../sim/powered-board.ts';
import { loadBoard } from '../../sim/processor.ts';
import { Random } from '../../sim/random.ts';
import type { Recording } from '../../sim/recordings.ts';
import { Speaker } from '../../sim/speaker.ts';
import { User } from '../../sim/user.ts';
import { WasmChip } from '../../sim/wasm-chip.ts';
import { World } from '../../sim/world.ts';
import { Invariants } from './invariants.ts';
import { Judge, RATE, recordVoices } from './people.ts';
import {
  DAY_MS,
  FIRST_CHARGE,
  type Happening,
  HOUR_MS,
  MINUTE_MS,
  planDays,
  QUIET_ROOM,
} from './plan.ts';
import { StoreProbe } from './store-probe.ts';
import { emptySummary, type LogEntry, type Summary } from './summary.ts';

export interface WeekOptions {
  days: number;
  /** Of everything random. */
  seed: number;
  /** Takes the log, as it happens. */
  onLog?: (entry: LogEntry) => void;
}

/** A microphone that was mended rings on for a moment: what capture cuts then holds some of the fault. */
const FAULT_ECHO_MS = 3000;
/** Somebody who was asked a word lately waits for the next. */
const ASKED_LATELY_MS = 15_000;
/** From here down the cell cannot keep the board alive. */
const FLAT = 0.005;
/** Bursts and saves that the power does not survive, in percent. */
const CUT_IN_BURST = 50;
const CUT_IN_SAVE = 60;
const LONGEST_BURST_MS = 50_000;
/** Page programs and sector erases that a save may come to. */
const OPERATIONS_OF_A_SAVE = 24;
/** Status of `load` when the newest version is damaged (services/learner.md). */
const OLDER = 11;
const LINK_NOISE_PIECE = 64;

/** Lives through so many days. */
export async function liveThrough(options: WeekOptions): Promise<Summary> {
  const recordings = await recordVoices();
  const judge = await Judge.create(recordings);
  const program = await compileProgram(join(projectRoot, 'src/keyword.ts'));
  const courier = await Courier.create(recordings);
  return new Week(options, program, recordings, judge, courier).live();
}

class Week {
  private readonly world: World;
  private readonly microphone: FaultyMicrophone;
  private readonly observer: Observer;
  private readonly user: User;
  private readonly speakers = new Map<string, Speaker>();
  /** Of the accidents. */
  private readonly random: Random;
  private readonly invariants: Invariants;
  private readonly summary: Summary = emptySummary();
  private readonly timers;
  private readonly labels: string[];
  private chip?: WasmChip;
  private isPowered = false;
  /** Milliseconds that the power will be off, from the end of this step on. */
  private pendingCut?: number;
  /** What waits at the board's link. */
  private delivery?: Delivery;
  private listener?: (frame: Uint8Array) => void;
  /** Until when somebody talks, and when the board last asked for a word. */
  private talkUntil = 0;
  private askedAt = -Infinity;
  private ignoresAsks = false;
  private faultUntil = -Infinity;
  private isEnrolling = false;
  /** Something that was saved is in use. */
  private isAdapted = false;

  constructor(
    private readonly options: WeekOptions,
    program: Program,
    recordings: Recording[],
    judge: Judge,
    private readonly courier: Courier,
  ) {
    this.random = new Random(options.seed);
    this.microphone = new FaultyMicrophone(RATE, options.seed);
    this.microphone.setNoise(QUIET_ROOM);
    this.labels = [...new Set(recordings.map(({ label }) => label))].sort();
    this.world = new World({
      board: loadBoard(),
      program,
      microphone: this.microphone,
      powerOn: (surroundings) =>
        FirmwareBoard.create(surroundings, (seed) => {
          const prepare = (firmware: Firmware): void => {
            placeLearner(DEFAULT_MODEL)(firmware);
            courier.claim(firmware);
          };
          this.chip = new WasmChip({ ...seed, prepare });
          return Promise.resolve(this.chip);
        }),
      seed: options.seed,
      rate: RATE,
      charge: FIRST_CHARGE,
      onFrame: (frame) => this.listener?.(frame),
      events: {
        onLog: (level, text) => this.onLine(level, text),
        onPrediction: (prediction, window) => {
          this.observer.onPrediction(prediction, window, this.user.isEnrolling(window.truth));
          this.user.onPrediction(this.labels[prediction.label] ?? '', window);
          this.countWindow(this.labels[prediction.label] ?? '', window);
        },
        onTraffic: (name, values, command) => {
          this.observer.onTraffic(name, values, command);
          if (name === 'remember' && values[0] === STATUS.ok) this.onRemember();
          if (name === 'save' && values[0] !== STATUS.ok) this.onSaveFailed(Number(values[0]));
          if (name === 'load' && values[0] === OLDER) this.onOlder();
        },
      },
    });
    this.timers = this.world.clock.group();
    this.observer = new Observer({
      now: () => this.seconds,
      labels: this.labels,
      emit: (event) => this.onEvent(event),
      onAsk: (word) => this.onAsk(word),
      onDecision: (text) => this.onDecision(text),
    });
    for (const name of new Set(recordings.map(({ speaker }) => speaker))) {
      this.speakers.set(name, new Speaker(name, recordings, this.labels, this.world.random));
    }
    this.user = new User(
      this.world.clock.group(),
      this.microphone,
      this.world.random,
      (duration) => {
        if (this.isPowered) this.world.board.press(duration);
      },
      [...this.speakers.values()][0] as Speaker,
    );
    this.invariants = new Invariants(judge, this.summary, (what) => this.log('broken', { what }));
  }

  async live(): Promise<Summary> {
    const { world, options } = this;
    const end = options.days * DAY_MS;
    for (const happening of planDays(options.days, this.random)) {
      this.timers.setTimeout(() => this.happen(happening), happening.at);
    }
    this.timers.setInterval(() => this.everyHour(), HOUR_MS);
    await this.powerOn('first power on');
    while (world.clock.now < end) {
      if (this.pendingCut !== undefined) await this.loseAndRegainPower();
      else if (this.delivery !== undefined && this.isPowered) await this.deliver(this.delivery);
      else await this.step(Math.min(end, world.clock.now + MINUTE_MS));
    }
    this.observer.flush();
    this.measure();
    this.summary.days = options.days;
    this.summary.heldOutWords = this.invariants.words;
    if (this.isPowered) world.powerOff();
    return this.summary;
  }

  private get seconds(): number {
    return Math.round(this.world.clock.now) / 1000;
  }

  private log(event: string, details: Record<string, unknown> = {}): void {
    this.options.onLog?.({ t: this.seconds, event, ...details });
  }

  // ---- power ----

  private async powerOn(why: string): Promise<void> {
    this.summary.boots++;
    this.log('boot', { why, charge: round(this.world.battery.charge) });
    await this.world.powerOn();
    this.isPowered = true;
    this.invariants.onBoot();
  }

  /** The board stops where it is; RAM is lost, flash stays as it is. */
  private async loseAndRegainPower(): Promise<void> {
    const { world } = this;
    const off = this.pendingCut ?? 0;
    this.pendingCut = undefined;
    this.invariants.onPowerLost(this.chip?.stop === 'power cut' ? this.blob() : undefined);
    this.observer.flush();
    this.observer.onReboot();
    this.isEnrolling = false;
    world.powerOff();
    this.isPowered = false;
    do world.clock.advance(world.clock.now + off);
    while (world.battery.charge <= FLAT && world.clock.now < this.options.days * DAY_MS);
    await this.powerOn('power is back');
  }

  private async step(limit: number): Promise<void> {
    try {
      await this.world.step(limit);
    } catch (error) {
      if (this.chip?.stop !== 'power cut') throw error;
      this.summary.cuts.inFlash++;
      this.log('cut', { where: 'in a flash operation' });
      this.pendingCut = 1000 + this.random.below(MINUTE_MS);
    }
    if (this.world.battery.charge > FLAT || this.pendingCut !== undefined) return;
    this.summary.cuts.flat++;
    this.log('battery flat');
    this.pendingCut = HOUR_MS / 4;
  }

  private cut(off: number, where: 'in a burst' | 'in a transfer' | 'anywhere'): void {
    if (!this.isPowered) return;
    if (where === 'in a burst') this.summary.cuts.inBurst++;
    else if (where === 'in a transfer') this.summary.cuts.inTransfer++;
    else this.summary.cuts.anywhere++;
    this.log('cut', { where, off: off / 1000 });
    this.pendingCut = off;
  }

  // ---- what the world does ----

  private happen(happening: Happening): void {
    const { microphone, world } = this;
    switch (happening.kind) {
      case 'talk':
        return this.talk(happening);
      case 'noise':
        this.log('noise', { level: happening.level, minutes: happening.length / MINUTE_MS });
        microphone.setNoise(happening.level);
        this.timers.setTimeout(() => microphone.setNoise(QUIET_ROOM), happening.length);
        return;
      case 'fault':
        this.summary.faults++;
        this.log('fault', { ...happening.fault, minutes: happening.length / MINUTE_MS });
        microphone.fault = happening.fault;
        this.faultUntil = world.clock.now + happening.length;
        this.timers.setTimeout(() => this.mend(), happening.length);
        return;
      case 'cut':
        return this.cut(happening.off, 'anywhere');
      case 'link noise':
        return this.garble(happening.bytes);
      case 'delta':
        return this.order(happening);
      case 'bit flips':
        return this.flipBits(happening.count);
      case 'full flash':
        return this.fillFlash(happening.length);
      case 'charge':
        this.log('charged', { from: round(world.battery.charge), to: happening.to });
        world.battery.recharge(happening.to);
    }
  }

  private talk({ speaker, length, walksAway }: Happening & { kind: 'talk' }): void {
    const { world, user } = this;
    this.log('talk', { speaker, seconds: length / 1000 });
    user.speaker = this.speakers.get(speaker) as Speaker;
    this.ignoresAsks = walksAway;
    this.talkUntil = world.clock.now + length;
    user.start(0);
    this.timers.setTimeout(() => this.endTalk(), length);
  }

  /** Who is being asked for words stays until the board has them all. */
  private endTalk(): void {
    const { world, user } = this;
    if (world.clock.now < this.talkUntil) return; // somebody else has begun
    if (!this.ignoresAsks && world.clock.now - this.askedAt < ASKED_LATELY_MS) {
      this.talkUntil = world.clock.now + ASKED_LATELY_MS;
      this.timers.setTimeout(() => this.endTalk(), ASKED_LATELY_MS);
      return;
    }
    user.stop();
    this.talkUntil = 0;
  }

  private mend(): void {
    this.microphone.fault = undefined;
    this.faultUntil = this.world.clock.now + FAULT_ECHO_MS;
    this.log('mended');
  }

  private garble(bytes: number): void {
    this.log('link noise', { bytes });
    for (let sent = 0; sent < bytes; sent += LINK_NOISE_PIECE) {
      this.timers.setTimeout(() => {
        if (this.isPowered) this.chip?.receive(this.random.bytes(LINK_NOISE_PIECE));
      }, sent);
    }
  }

  /** Bits of the newest adapter change in flash; the power cut that follows makes the board look at it. */
  private flipBits(count: number): void {
    const { chip, random } = this;
    if (chip === undefined || !this.isPowered) return;
    const probe = new StoreProbe(chip.firmware);
    const damaged = probe.damageNewestAdapter(count, random);
    const undamaged = probe.soundAdapters();
    this.log('bit flips', { count, adapter: damaged, undamaged: undamaged.length });
    if (!damaged) return;
    this.summary.flips += count;
    this.invariants.onDamage(undamaged);
    this.timers.setTimeout(() => this.cut(1000, 'anywhere'), MINUTE_MS);
  }

  /** Somebody else fills the store to the last record, and clears it some time later. */
  private fillFlash(length: number): void {
    if (this.chip === undefined || !this.isPowered) return;
    const records = new StoreProbe(this.chip.firmware).fill();
    this.summary.fills++;
    this.log('flash full', { records, hours: length / HOUR_MS });
    this.timers.setTimeout(() => {
      if (this.chip === undefined || !this.isPowered) return this.fillFlash(HOUR_MS);
      this.log('flash cleared', { records: new StoreProbe(this.chip.firmware).clear() });
    }, length);
  }

  private order({ delivery, cutAfter }: Happening & { kind: 'delta' }): void {
    this.delivery ??= this.courier.pack(delivery);
    if (cutAfter === undefined) return;
    this.timers.setTimeout(() => {
      if (this.listener !== undefined) this.cut(1000, 'in a transfer');
    }, cutAfter);
  }

  /** Sends a delta over the link; one that the power interrupts goes on a minute later. */
  private async deliver(delivery: Delivery): Promise<void> {
    const { deltas } = this.summary;
    this.delivery = undefined;
    let answer: string;
    try {
      const { resumedAt } = await applyDelta(delivery.bytes, delivery.kind, this.link());
      answer = 'ok';
      deltas.installed++;
      if (resumedAt > 0) deltas.resumed++;
      if (delivery.kind === 'good') this.courier.installed(delivery);
    } catch (error) {
      if (error instanceof RefusedError) answer = error.status;
      else if (this.pendingCut !== undefined) answer = 'interrupted';
      else throw error;
    }
    this.listener = undefined;
    this.log('delta', { delivery: delivery.kind, answer });
    if (answer === 'ok' || answer === 'interrupted') this.invariants.onDelta(delivery);
    // a page that the cut tore is noticed at the end only
    const isTorn = answer === 'wrongHash' && deltas.interrupted > 0;
    if (answer === 'interrupted' || answer === 'busy' || isTorn) {
      this.timers.setTimeout(() => (this.delivery ??= delivery), MINUTE_MS);
    } else if (answer !== 'ok') deltas.refused++;
    const isRight = [delivery.expected, 'interrupted', 'busy'].includes(answer);
    const isFull = answer === 'flashFailed' && this.summary.fills > 0;
    // the power went between the commit and the answer
    const isThere = answer === 'oldCounter' && deltas.interrupted > 0;
    if (answer === 'interrupted') deltas.interrupted++;
    if (isThere) this.courier.installed(delivery);
    if (!isRight && !isFull && !isThere && !isTorn) {
      this.invariants.broken(`a delta ${delivery.kind} was answered with ${answer}`);
    }
  }

  private link(): OpenBoardLink {
    const { world } = this;
    return (onFrame) => {
      let frames = 0;
      this.listener = (frame) => {
        frames++;
        onFrame(frame);
      };
      return Promise.resolve({
        now: () => world.clock.now,
        send: (frame) => world.board.receive(frame),
        wait: async (ms) => {
          const end = world.clock.now + ms;
          for (const before = frames; frames === before && world.clock.now < end;) {
            await this.step(end);
            if (this.pendingCut !== undefined) throw new Error('the power is gone');
          }
        },
        close: () => undefined,
      });
    };
  }

  private get isFaulty(): boolean {
    return this.world.clock.now < this.faultUntil;
  }

  // ---- what the board does ----

  private onLine(level: string, text: string): void {
    if (level === '>') this.observer.onLine(text);
    else if (level === '!' || level === '*') {
      this.summary.complaints++;
      this.log('complaint', { text });
    }
  }

  private onAsk(word: string): void {
    if (!this.isEnrolling) {
      this.isEnrolling = true;
      const ending = this.random.below(100) < CUT_IN_SAVE;
      if (ending) this.cutNextSave();
    }
    if (this.world.clock.now >= this.talkUntil || this.ignoresAsks) return;
    this.askedAt = this.world.clock.now;
    this.user.onAsk(word);
  }

  /** The power fails in one of the operations that the next save comes to. */
  private cutNextSave(): void {
    const operation = 1 + this.random.below(OPERATIONS_OF_A_SAVE);
    this.chip?.firmware.call('rt_sim_tear_at', operation, this.random.next() | 1);
  }

  private onDecision(text: string): void {
    this.log('decision', { text });
    this.isEnrolling = false;
    if (text.startsWith('update keep')) {
      this.summary.deltas.kept++;
      this.invariants.onTrialEnds();
    }
    if (/^update (revert|taken back)/.test(text)) this.summary.deltas.reverted++;
    if (text.startsWith('base model')) this.isAdapted = false;
    if (text.startsWith('base model')) this.invariants.onBaseModel(this.blob());
  }

  private onEvent(event: StoryEvent): void {
    const { summary, invariants } = this;
    const { event: name, t, ...details } = event;
    if (name === 'window') return; // counted below
    if (event.event === 'burst' && event.state === 'progress') return;
    void t;
    this.log(name, details);
    if (event.event === 'drift') summary.drifts++;
    if (event.event === 'burst') this.onBurst(event.state);
    if (event.event === 'saved') {
      summary.saves++;
      invariants.onSaved(this.blob());
      this.isEnrolling = false;
      this.isAdapted = true;
    }
    if (event.event === 'loaded') {
      invariants.onLoaded(this.blob());
      this.isAdapted = true;
    }
  }

  private onBurst(state: string): void {
    if (state === 'end') this.summary.bursts++;
    if (state === 'undone') this.summary.undone++;
    if (state === 'begin') {
      if (this.world.battery.charge < 0.25) this.invariants.broken('trains on a low battery');
      if (this.random.below(100) < CUT_IN_BURST) {
        const delay = this.random.below(LONGEST_BURST_MS);
        this.timers.setTimeout(() => this.cut(1000, 'in a burst'), delay);
      }
    }
  }

  private onRemember(): void {
    this.summary.remembered++;
    if (!this.isFaulty) return;
    if (this.microphone.fault?.kind === 'offset') return; // which capture takes away
    this.summary.rememberedFaulty++;
    this.log('remembered', { fault: this.microphone.fault?.kind ?? 'just mended' });
  }

  private onSaveFailed(status: number): void {
    this.summary.failedSaves++;
    if (this.summary.failedSaves <= 20) this.log('save failed', { status });
  }

  /** The newest version in flash is damaged; the one before it is in use. */
  private onOlder(): void {
    this.log('loaded', { older: true });
    this.invariants.onLoaded(this.blob());
  }

  private countWindow(heard: string, { truth }: HeardWindow): void {
    const { faulty, healthy, adapted } = this.summary;
    const kinds = this.isFaulty ? [faulty] : this.isAdapted ? [healthy, adapted] : [healthy];
    for (const counts of kinds) {
      counts.windows++;
      if (truth === undefined) counts.nobody++;
      else if (truth.label === heard) counts.right++;
    }
  }

  // ---- what is measured ----

  private everyHour(): void {
    this.microphone.forgetBefore(this.world.clock.now - MINUTE_MS);
    if (this.isPowered && this.pendingCut === undefined) this.measure();
  }

  private measure(): void {
    if (this.chip === undefined || !this.isPowered) return;
    this.invariants.everyHour(this.chip.firmware, this.blob());
  }

  /** The adapter that the board predicts with. */
  private blob(): Uint8Array {
    const { firmware } = this.chip as WasmChip;
    const adapter = firmware.call('rt_sim_active_adapter');
    const bytes = firmware.call('rt_blob_bytes', adapter);
    const at = firmware.allocate(bytes);
    firmware.check('the adapter', 'rt_blob_save', adapter, at, bytes);
    return firmware.u8(at, bytes).slice();
  }
}

function round(share: number): number {
  return Math.round(share * 1000) / 1000;
}
