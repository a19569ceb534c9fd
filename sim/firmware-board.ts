import type { Chip, Sound } from './chip.ts';
import type { ClockGroup } from './clock.ts';
import type { Values } from './endpoint.ts';
import { readPrediction } from './learner.ts';
import { consoleLine, escapeFrame, LinkReader, packetsOf } from './link.ts';
import type { Microphone } from './microphone.ts';
import type { HeardWindow, PoweredBoard, Surroundings } from './powered-board.ts';
import { pinOf } from './processor.ts';
import { type Message, Traffic } from './traffic.ts';

/** What a chip is made of at power on, and again when it has reset itself. */
export interface ChipSeed {
  deviceId: string;
  seed: number;
  /** Flash content; absent the first time. */
  flash?: Uint8Array;
  program?: Uint8Array;
  cause: 'power on' | 'software' | 'watchdog';
  sound: Sound;
}

export type CreateChip = (seed: ChipSeed) => Promise<Chip>;

export const BOARD_DEVICE = '1d46a30eef48919f';
const BATTERY_MS = 1000;
/** Steps after which timers and signals of Node get their turn. */
const STEPS = 2000;
/** A window is cut some 300 ms after the sound in it has ended, and is handed on at once. */
const LONGEST_DELAY_MS = 500;
/** A microsecond. */
const TINY_MS = 0.001;
const DEPLOY_CLASS = 0x1134ea2b;
const PANIC_EVENT = 0x80;

/** One power cycle of a board with our firmware: the chip, and what is soldered to it. */
export class FirmwareBoard implements PoweredBoard {
  private readonly timers: ClockGroup;
  private readonly reader: LinkReader;
  private readonly traffic: Traffic;
  private readonly pins: { button: number; led: number };
  private bootedAt: number;
  private cyclesBefore = 0;
  private shownBrightness = 0;
  private steps = 0;
  private windows: HeardWindow[] = [];
  private deployIndex = -1;

  static async create(options: Surroundings, createChip: CreateChip): Promise<FirmwareBoard> {
    const seed: ChipSeed = {
      deviceId: options.deviceId ?? BOARD_DEVICE,
      seed: options.random.next() | 0,
      flash: options.flash.chip,
      program: options.program.image,
      cause: 'power on',
      sound: new ChipSound(options.microphone, options.clock.now),
    };
    return new FirmwareBoard(options, createChip, seed, await createChip(seed));
  }

  private constructor(
    private readonly options: Surroundings,
    private readonly createChip: CreateChip,
    private readonly seed: ChipSeed,
    private chip: Chip,
  ) {
    const { clock, board, program } = options;
    this.bootedAt = clock.now;
    this.timers = clock.group();
    this.pins = { button: pinOf(board, 'button'), led: pinOf(board, 'led') };
    this.traffic = new Traffic(
      program.services,
      (message) => this.onMessage(message),
      seed.deviceId,
    );
    this.reader = new LinkReader({
      onFrame: (frame) => this.onFrame(frame),
      onText: (line) => {
        if (this.chip.takeConsole === undefined) this.onLine(line);
      },
    });
    this.timers.setInterval(() => this.accountPower(), BATTERY_MS);
    this.showBattery();
  }

  get cycles(): number {
    return this.cyclesBefore + this.chip.cycles;
  }

  get brightness(): number {
    return this.shownBrightness;
  }

  press(duration: number): void {
    this.chip.setPin(this.pins.button, 0);
    this.timers.setTimeout(() => this.chip.setPin(this.pins.button, 1), duration);
  }

  receive(frame: Uint8Array): void {
    this.chip.receive(escapeFrame(frame));
  }

  powerOff(): void {
    this.accountPower();
    this.options.battery.rebooted();
    this.syncFlash();
    this.timers.clear();
  }

  syncFlash(): void {
    this.options.flash.chip = this.chip.flash.slice();
  }

  async step(limit: number): Promise<void> {
    const { clock } = this.options;
    const target = Math.min(limit, clock.next);
    this.chip.advance(target - this.bootedAt);
    const reached = this.bootedAt + this.chip.now;
    // a chip counts in steps of its own: a rest that it cannot reach must not hold the clock up
    clock.advance(Math.max(clock.now, target - reached < TINY_MS ? target : 0, reached));
    this.reader.feed(this.chip.take());
    for (const line of this.chip.takeConsole?.() ?? []) this.onLine(line);
    this.showBrightness();
    if (this.chip.stop !== undefined) await this.restart();
    if (++this.steps % STEPS === 0) await new Promise((resolve) => setImmediate(resolve));
  }

  /** The chip has reset itself: flash stays, all else begins again. */
  private async restart(): Promise<void> {
    const { chip } = this;
    if (chip.stop !== 'reset' && chip.stop !== 'watchdog') {
      throw new Error(`the board has stopped: ${chip.stop ?? 'without a reason'}`);
    }
    const { clock, microphone } = this.options;
    this.cyclesBefore += chip.cycles;
    this.traffic.restart();
    this.bootedAt = clock.now;
    this.chip = await this.createChip({
      ...this.seed,
      flash: chip.flash.slice(),
      cause: chip.stop === 'watchdog' ? 'watchdog' : 'software',
      sound: new ChipSound(microphone, clock.now),
    });
    this.showBattery();
  }

  private onLine(line: string): void {
    const { level, text } = consoleLine(line);
    this.options.events.onLog(level, text);
  }

  private onFrame(frame: Uint8Array): void {
    this.options.onFrame?.(frame);
    this.watchDeploy(frame);
    this.traffic.onFrame(frame);
  }

  /** The deploy service tells when the program stops. */
  private watchDeploy(frame: Uint8Array): void {
    for (const { deviceId, serviceIndex, command, payload, flags } of packetsOf(frame)) {
      if (deviceId !== this.seed.deviceId || (flags & 1) !== 0) continue;
      const data = Buffer.from(payload);
      if (serviceIndex === 0 && command === 0) {
        this.deployIndex = -1;
        for (let at = 4; at + 4 <= data.length; at += 4) {
          if (data.readUInt32LE(at) === DEPLOY_CLASS) this.deployIndex = at / 4;
        }
      } else if (serviceIndex === this.deployIndex && (command & 0x80ff) === 0x8000 + PANIC_EVENT) {
        this.options.events.onPanic(data.readUInt32LE(0));
      }
    }
  }

  private onMessage({ service, kind, name, values, command }: Message): void {
    const { events } = this.options;
    if (service === 'capture' && name === 'window_ready') this.onWindow(values);
    if (service !== 'learner') return;
    if (kind === 'event' && name === 'prediction') this.onPrediction(values);
    events.onTraffic(name, values, command);
  }

  private onWindow([number, level]: Values): void {
    const { clock, microphone } = this.options;
    const end = microphone.sampleAt(clock.now);
    const begin = end - (microphone.rate * (1000 + LONGEST_DELAY_MS)) / 1000;
    const truth = microphone.heardIn(begin, end);
    this.windows.push({ number: Number(number), level: Number(level), truth });
    if (this.windows.length > 16) this.windows.shift();
  }

  private onPrediction(values: Values): void {
    const prediction = readPrediction(values);
    const { window } = prediction;
    const heard = this.windows.find(({ number }) => number === window);
    this.options.events.onPrediction(prediction, heard ?? { number: window, level: 0 });
  }

  private showBrightness(): void {
    const brightness = this.chip.outputOf(this.pins.led);
    if (brightness === this.shownBrightness) return;
    this.shownBrightness = brightness;
    this.options.events.onBrightness(brightness);
  }

  private accountPower(): void {
    const { battery, clock } = this.options;
    battery.account(clock.now, this.cycles, this.chip.isListening);
    this.showBattery();
  }

  private showBattery(): void {
    const { battery } = this.options;
    this.chip.setBattery(battery.charge, battery.millivolts, battery.capacity);
  }
}

/** The microphone as the converter of a chip hears it: from the start of a block on. */
class ChipSound implements Sound {
  private position = 0;

  constructor(
    private readonly microphone: Microphone,
    private readonly bootedAt: number,
  ) {}

  begin(instant: number, rate: number): void {
    if (rate !== this.microphone.rate) {
      throw new Error(
        `the firmware listens at ${rate} Hz, the words are at ${this.microphone.rate}`,
      );
    }
    this.position = this.microphone.blockAt(this.bootedAt + instant);
  }

  next(count: number): Int16Array {
    const begin = this.position;
    this.position += count;
    return this.microphone.read(begin, this.position);
  }
}
