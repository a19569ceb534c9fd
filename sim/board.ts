import { Capture } from './capture.ts';
import type { VirtualClock } from './clock.ts';
import type { Program, ServiceSpec } from './compile.ts';
import { DeltaInstaller, DeltaServer, kindOf } from './delta.ts';
import type { Value } from './endpoint.ts';
import {
  ButtonServer,
  JDServiceServer,
  SettingsServer,
  SRV_LIGHT_BULB,
  SRV_POWER,
} from './jacdac.ts';
import { Learner } from './learner.ts';
import type { LearningEngine, Method } from './learning-engine.ts';
import { BOARD_DEVICE, type Flash, Machine } from './machine.ts';
import type { Microphone } from './microphone.ts';
import type { BoardEvents, PoweredBoard } from './powered-board.ts';
import { Battery, type Board, Processor } from './processor.ts';

export interface BoardOptions {
  board: Board;
  clock: VirtualClock;
  services: ServiceSpec[];
  flash: Flash;
  battery: Battery;
  microphone: Microphone;
  /** A fresh engine: the base model and an adapter that changes nothing. */
  createEngine: (method?: Method, rank?: number) => Promise<LearningEngine>;
  randomBytes: (count: number) => Uint8Array;
  /** See MachineOptions. */
  onFrame?: (frame: Uint8Array) => void;
  events: BoardEvents;
}

const BATTERY_MS = 1000;
/** Registers of jacdac-spec's power and lightbulb services. */
const POWER = { charge: 0x182, capacity: 0x183, voltage: 0x180 } as const;
const BRIGHTNESS = 0x01;

/**
 * One power cycle of a board whose script runs on the official VM, with everything that is soldered
 * to it.
 */
export class SimulatedBoard implements PoweredBoard {
  readonly machine: Machine;
  readonly processor: Processor;
  readonly learner: Learner;
  readonly capture: Capture;
  readonly delta: DeltaServer;
  readonly button: ButtonServer;
  private readonly led: JDServiceServer;
  private readonly power: JDServiceServer;

  static async create(options: BoardOptions): Promise<SimulatedBoard> {
    return new SimulatedBoard(options, await options.createEngine());
  }

  private constructor(
    private readonly options: BoardOptions,
    engine: LearningEngine,
  ) {
    const { board, services, flash, events, microphone } = options;
    this.machine = new Machine({ ...options, ...events });
    const timers = this.machine.scheduler;
    this.processor = new Processor(timers, board.retune.clockHz);
    this.learner = new Learner({
      spec: specOf(services, 'learner'),
      processor: this.processor,
      board,
      slots: flash.slots,
      engine,
      reconfigure: options.createEngine,
      onPrediction: events.onPrediction,
      onTraffic: events.onTraffic,
    });
    flash.delta ??= { counter: 0 };
    this.delta = new DeltaServer(
      specOf(services, 'delta'),
      new DeltaInstaller({
        slots: flash.slots,
        flash: flash.delta,
        deviceId: BOARD_DEVICE,
        kind: () => kindOf(this.learner.presentEngine),
        isBusy: () => this.learner.isTraining,
      }),
      flash.delta,
    );
    this.capture = new Capture({
      spec: specOf(services, 'capture'),
      timers,
      microphone,
      windowSamples: engine.windowSamples,
      deliver: (window) => this.learner.deliver(window),
    });
    this.button = new ButtonServer('button');
    this.led = new JDServiceServer(SRV_LIGHT_BULB, { intensityValues: [0] });
    this.led.register(BRIGHTNESS)?.on('change', () => events.onBrightness(this.brightness));
    this.power = this.createPower();
    timers.setInterval(() => this.accountPower(), BATTERY_MS);
    const servers = [this.learner, this.capture, this.delta].map(({ endpoint }) => endpoint.server);
    const settings = new SettingsServer({
      get: () => flash.settings,
      set: (value) => void (flash.settings = value),
    });
    this.machine.attach([...servers, this.button, this.led, this.power, settings]);
  }

  async boot(program?: Program): Promise<void> {
    await this.machine.boot(program);
  }

  powerOff(): void {
    this.accountPower();
    this.options.battery.rebooted();
    this.machine.powerOff();
  }

  get cycles(): number {
    return this.processor.cycles;
  }

  step(limit: number): Promise<void> {
    return this.machine.step(limit);
  }

  receive(frame: Uint8Array): void {
    this.machine.receive(frame);
  }

  syncFlash(): void {
    // the VM and the services write to it themselves
  }

  /** 0..1 */
  get brightness(): number {
    return Number(this.led.register(BRIGHTNESS)?.values()[0] ?? 0);
  }

  /** Presses the button for a while (milliseconds). */
  press(duration: number): void {
    void this.button.down();
    this.machine.scheduler.setTimeout(() => void this.button.up(), duration);
  }

  private createPower(): JDServiceServer {
    const { battery } = this.options;
    const registerValues: { code: number; values: Value[] }[] = [
      { code: POWER.charge, values: [fraction(battery.charge)] },
      { code: POWER.capacity, values: [battery.capacity] },
      { code: POWER.voltage, values: [battery.millivolts] },
    ];
    return new JDServiceServer(SRV_POWER, { registerValues });
  }

  private accountPower(): void {
    const { battery, clock } = this.options;
    battery.account(clock.now, this.processor.cycles, this.capture.isRunning);
    this.power.register(POWER.charge)?.setValues([fraction(battery.charge)]);
    this.power.register(POWER.voltage)?.setValues([battery.millivolts]);
  }
}

/** Largest value of Jacdac's u0.16. */
function fraction(x: number): number {
  return Math.min(x, 65535 / 65536);
}

function specOf(services: ServiceSpec[], shortId: string): ServiceSpec {
  const found = services.find((spec) => spec.shortId === shortId);
  if (found === undefined) throw new Error(`services/${shortId}.md was not compiled`);
  return found;
}
