/**
 * An RP2040 board in emulated time: chip, boot ROM, flash, microphone, pins, USB and UART. The same
 * image as on a real board boots through ROM and second stage.
 *
 * A reset makes a new chip with the old flash. `nanos` goes on over resets; the chip's own timer
 * starts again.
 */
import { RP2040, type Logger } from 'rp2040js';
import { ChipClock } from './clock.ts';
import { Cpu, CpuStop, FLASH, type CpuHost } from './cpu.ts';
import { NorFlash } from './nor-flash.ts';
import {
  Extended,
  FlashInterface,
  FlashPins,
  PlainRegisters,
  RingOscillator,
} from './peripherals.ts';
import { UsbHost } from './usb-host.ts';

export interface MachineOptions {
  /** The boot ROM (sim/rp2040/bootrom.ts). */
  rom: Uint32Array;
  /** Contents of the flash from its start; the rest is erased. */
  image: Uint8Array;
  flashBytes?: number;
  /** The flash's 64-bit number. */
  id?: bigint;
  seed?: number;
  /** Flash content from before, instead of an erased chip with the image. */
  flash?: Uint8Array;
  cause?: ResetCause;
}

export type ResetCause = 'power' | 'pin' | 'watchdog' | 'software';

/** Where the time went, nanoseconds. */
export interface TimeSpent {
  active: number;
  /** WFI with the PLLs on. */
  sleep: number;
  /** Of that, with the converter running. */
  listening: number;
  /** WFI on the crystal with the PLLs off, and dormant. */
  deep: number;
}

const WATCHDOG_REASON_TIMER = 1;
const WATCHDOG_REASON_FORCE = 2;
const HAD_POR = 1 << 8;
const HAD_RUN = 1 << 16;
const SLOW_HZ = 12_000_000;

/** The boot ROM's drive would start. */
const BREAK_USB_BOOT = 2;
/** Where `call` and `invoke` return to: rom_halt of the boot ROM. */
const BREAK_RETURN = 1;
/** Of `hook`. */
const BREAK_HOOK = 0x7e;

export class Rp2040Board implements CpuHost {
  chip!: RP2040;
  cpu!: Cpu;
  usb!: UsbHost;
  flash: NorFlash;
  flashIsReadable = false;
  /** Registers that firmware touched and the emulator does not have, as rp2040js says it. */
  readonly warnings = new Set<string>();
  readonly spent: TimeSpent = { active: 0, sleep: 0, listening: 0, deep: 0 };
  resets = 0;
  /** Set when the firmware asked for the boot ROM's drive. */
  isInUsbBoot = false;

  /** 12-bit value at a converter input, asked for at each conversion. */
  onAdc: (channel: number, nanos: number) => number = () => 2048;
  onUart?: (byte: number) => void;
  onUsb?: (bytes: Uint8Array) => void;
  /** Before a reset that the firmware or its watchdog asks for; false: the board stays off. */
  onReset?: (cause: ResetCause) => boolean;
  /** Called at each stretch of time in which nothing or a piece of code has run. */
  onIdle?: () => void;
  /** The firmware has started conversions one after the other, every `nanos`. */
  onAdcStream?: (nanos: number) => void;
  /** A pin that the firmware drives has changed. */
  onPin?: (pin: number, level: boolean, nanos: number) => void;

  private clock!: ChipClock;
  private ssi!: FlashInterface;
  private readonly options: { rom: Uint32Array; flashBytes: number; id: bigint; seed: number };
  private readonly inputs = new Map<number, boolean>();
  private io!: Extended;
  private baseNanos = 0;
  private anchorNanos = 0;
  private anchorCycles = 0;
  private nanosPerCycle = 0;
  private cyclesBefore = 0;
  private isDormant = false;
  private pendingReset?: ResetCause;
  private isOff = false;
  private isInvoking = false;
  private readonly hooks = new Map<number, { halfWord: number; call: (r: number[]) => void }>();

  constructor(options: MachineOptions) {
    const { flashBytes = 2 * 1024 * 1024, id = 0xe6614103e7452d2fn, seed = 1 } = options;
    this.options = { rom: options.rom, flashBytes, id, seed };
    const data = options.flash?.slice() ?? new Uint8Array(flashBytes).fill(0xff);
    data.set(options.image);
    this.flash = new NorFlash(data, () => this.nanos, id);
    this.start(options.cause ?? 'power');
  }

  // ---- Time ----

  /** Since the first start, resets included. */
  get nanos(): number {
    return this.baseNanos + this.clock.nanos;
  }

  /** Processor cycles since the first start. */
  get cycles(): number {
    return this.cyclesBefore + this.cpu.cycles;
  }

  synchronize(cycles: number): void {
    this.clock.nanos = Math.max(this.clock.nanos, this.nanosAt(cycles));
  }

  private nanosAt(cycles: number): number {
    return this.anchorNanos + (cycles - this.anchorCycles) * this.nanosPerCycle;
  }

  private anchor(): void {
    this.anchorCycles = this.cpu.cycles;
    this.anchorNanos = this.clock.nanos;
    this.nanosPerCycle = 1e9 / this.chip.clkSys;
    this.cpu.interrupt();
  }

  /** Runs for so long. Throws CpuStop when the firmware does what the chip faults at. */
  run(nanos: number): void {
    const end = this.nanos + nanos;
    while (this.nanos < end && !this.isInUsbBoot) this.step(end);
  }

  /** Runs until `isDone`, looked at each millisecond; returns whether it was in time. */
  runUntil(isDone: () => boolean, limitNanos: number, stepNanos = 1_000_000): boolean {
    const end = this.nanos + limitNanos;
    while (!isDone()) {
      if (this.nanos >= end || this.isInUsbBoot) return false;
      this.run(Math.min(stepNanos, end - this.nanos));
    }
    return true;
  }

  private step(end: number): void {
    this.onIdle?.();
    if (this.pendingReset) {
      this.handleReset(this.pendingReset, end);
      return;
    }
    if (this.isDormant) {
      // All clocks stand still, the timer too; only a pin wakes.
      this.spent.deep += end - this.nanos;
      this.baseNanos += end - this.nanos;
      return;
    }
    const limit = Math.min(this.clock.nextNanos, end - this.baseNanos);
    if (this.chip.core.waiting) {
      this.sleepUntil(limit);
      return;
    }
    const before = this.clock.nanos;
    const cycles = Math.ceil((limit - this.anchorNanos) / this.nanosPerCycle) + this.anchorCycles;
    // At least one instruction, however times are rounded.
    this.execute(Math.max(cycles, this.cpu.cycles + 1));
    this.clock.advanceTo(Math.max(this.clock.nanos, this.nanosAt(this.cpu.cycles)));
    this.spent.active += this.clock.nanos - before;
  }

  private sleepUntil(limit: number): void {
    const nanos = limit - this.clock.nanos;
    const isSlow = this.chip.clkSys <= SLOW_HZ;
    if (isSlow) this.spent.deep += nanos;
    else this.spent.sleep += nanos;
    if (!isSlow && this.chip.adc.cs & 8) this.spent.listening += nanos;
    this.clock.advanceTo(limit);
    this.anchor();
  }

  private execute(limit: number): void {
    try {
      this.cpu.run(limit);
    } catch (error) {
      if (!(error instanceof CpuStop)) throw error;
      if (error.breakpoint === BREAK_HOOK) this.runHook(error.pc);
      else if (error.breakpoint === BREAK_RETURN && this.isInvoking) this.isInvoking = false;
      else if (error.breakpoint === BREAK_USB_BOOT) this.isInUsbBoot = true;
      else throw error;
    }
  }

  // ---- Looking in ----

  /**
   * Calls `call` with r0 to r3 whenever the firmware enters the function at `address` in flash. A
   * breakpoint stands there, which the program cannot see unless it reads its own code.
   */
  hook(address: number, call: (registers: number[]) => void): void {
    const { flash16 } = this.chip;
    const index = (address - FLASH) >> 1;
    if (!this.hooks.has(address)) this.hooks.set(address, { halfWord: flash16[index]!, call });
    flash16[index] = 0xbe00 | BREAK_HOOK;
  }

  private runHook(pc: number): void {
    const hook = this.hooks.get(pc);
    if (hook === undefined) throw new CpuStop('breakpoint', pc, BREAK_HOOK);
    const { flash16, core } = this.chip;
    const index = (pc - FLASH) >> 1;
    hook.call([...core.registers.slice(0, 4)]);
    flash16[index] = hook.halfWord;
    this.cpu.run(this.cpu.cycles + 1);
    flash16[index] = 0xbe00 | BREAK_HOOK;
  }

  /** The contents of the flash as the firmware wrote it, without our breakpoints. */
  flashContent(): Uint8Array {
    const copy = this.flash.data.slice();
    const view = new DataView(copy.buffer);
    for (const [address, { halfWord }] of this.hooks) {
      view.setUint16(address - FLASH, halfWord, true);
    }
    return copy;
  }

  /**
   * Calls a function of the firmware from outside, in no time: for looking at its state. The chip
   * goes on as if nothing had been.
   */
  call(address: number, ...args: number[]): number {
    const { cpu, chip } = this;
    const { cycles } = cpu;
    const restore = this.enter(address, args);
    chip.core.PM = true;
    try {
      for (;;) cpu.run(cpu.cycles + 10_000);
    } catch (error) {
      if (!(error instanceof CpuStop) || error.breakpoint !== BREAK_RETURN) throw error;
    }
    const result = chip.core.registers[0]!;
    restore();
    cpu.cycles = cycles;
    return result;
  }

  /**
   * Has the firmware call a function, with time and interrupts going on; returns its result, or
   * undefined when the board was reset instead.
   */
  invoke(address: number, ...args: number[]): number | undefined {
    const { chip, resets } = this;
    const restore = this.enter(address, args);
    chip.core.PM = false;
    this.isInvoking = true;
    while (this.isInvoking && this.resets === resets) this.step(this.nanos + 1_000_000);
    if (this.resets !== resets) return undefined;
    const result = chip.core.registers[0]!;
    restore();
    // An alarm that the firmware slept for may be gone by now.
    chip.core.waiting = false;
    return result;
  }

  /** Puts the core at the start of a function; returns what puts it back. */
  private enter(address: number, args: number[]): () => void {
    const { chip } = this;
    while (!this.flashIsReadable || chip.core.IPSR !== 0) this.run(10_000);
    const { core } = chip;
    const before = core.registers.slice();
    const state = [core.N, core.Z, core.C, core.V, core.PM, core.waiting] as const;
    args.slice(0, 4).forEach((value, i) => (core.registers[i] = value));
    const stack = (core.registers[13]! - 64) & ~7;
    args.slice(4).forEach((value, i) => chip.writeUint32(stack + 4 * i, value));
    core.registers[13] = stack;
    core.registers[14] = chip.bootrom[3]!;
    core.registers[15] = address;
    core.waiting = false;
    core.interruptsUpdated = true;
    return () => {
      core.registers.set(before);
      [core.N, core.Z, core.C, core.V, core.PM, core.waiting] = state;
      core.interruptsUpdated = true;
    };
  }

  // ---- Life ----

  private handleReset(cause: ResetCause, end: number): void {
    this.pendingReset = undefined;
    if (this.isOff || this.onReset?.(cause) === false) {
      this.isOff = true;
      this.pendingReset = cause;
      this.baseNanos += end - this.nanos;
      return;
    }
    this.reset(cause);
  }

  /** As the RUN pin, the watchdog or a power cut do it. */
  reset(cause: ResetCause): void {
    this.pendingReset = undefined;
    this.isInvoking = false;
    if (cause === 'power') this.flash.cutPower(this.options.seed + this.resets);
    this.resets += 1;
    this.baseNanos += this.clock.nanos;
    this.cyclesBefore += this.cpu.cycles;
    const scratch = Array.from({ length: 8 }, (_, i) => this.watchdogRead(0x0c + 4 * i));
    this.start(cause);
    if (cause !== 'power') {
      scratch.forEach((value, i) => this.watchdog.writeUint32(0x0c + 4 * i, value));
    }
  }

  /** Takes the power away now and gives it back: what the flash was doing stays half done. */
  cutPower(): void {
    this.pendingReset = 'power';
    this.cpu.interrupt();
  }

  private get watchdog(): RP2040['peripherals'][number] {
    return this.chip.peripherals[0x40058]!;
  }

  private watchdogRead(offset: number): number {
    return this.watchdog.readUint32(offset);
  }

  private start(cause: ResetCause): void {
    this.clock = new ChipClock();
    this.chip = new RP2040(this.clock);
    this.chip.logger = quiet((text) => this.warnings.add(text));
    this.chip.flash.set(this.flash.data);
    this.moveFlash(this.chip.flash.subarray(0, this.options.flashBytes));
    this.chip.clkSys = this.chip.roscFreq;
    this.isDormant = false;
    this.addPeripherals(cause);
    this.chip.bootrom.set(this.options.rom);
    this.chip.core.reset();
    this.cpu = new Cpu(this.chip, this, this.options.flashBytes);
    this.clock.onSchedule = () => this.cpu.interrupt();
    this.chip.addClockListener(() => this.anchor());
    this.connect();
    this.anchor();
    this.flashChanged();
  }

  /** The contents move into the new chip's memory, the flash chip's state stays. */
  private moveFlash(data: Uint8Array): void {
    const old = this.flash;
    this.flash = new NorFlash(data, () => this.nanos, this.options.id);
    this.flash.inherit(old);
  }

  private addPeripherals(cause: ResetCause): void {
    const { chip } = this;
    const { peripherals } = chip;
    this.ssi = new FlashInterface(chip, this.flash, () => this.flashChanged());
    peripherals[0x18000] = this.ssi;
    peripherals[0x14000] = new PlainRegisters(chip, 'XIP_CTRL');
    peripherals[0x40018] = new FlashPins(chip, this.ssi);
    peripherals[0x40060] = new RingOscillator(chip, this.options.seed * 7919 + this.resets);
    const power = new PlainRegisters(chip, 'VREG_AND_CHIP_RESET');
    power.writeUint32(8, cause === 'pin' ? HAD_RUN : HAD_POR);
    peripherals[0x40064] = power;
    const clocks = new Extended(chip, chip.clocks, new Set([0xa8, 0xac]));
    peripherals[0x40008] = clocks;
    const dormant = new Set([0x160, 0x164, 0x168, 0x16c]);
    this.io = new Extended(chip, peripherals[0x40014]!, dormant);
    peripherals[0x40014] = this.io;
    const crystal = peripherals[0x40024]!;
    peripherals[0x40024] = new Extended(chip, crystal, new Set(), (offset, value) => {
      if (offset !== 0x08 || value !== 0x636f6d61) return;
      this.isDormant = true;
      this.cpu.interrupt();
    });
    this.addWatchdog(cause);
    addSystemControl(chip);
  }

  private addWatchdog(cause: ResetCause): void {
    const watchdog = this.watchdog as unknown as {
      reason: number;
      onWatchdogTrigger: () => void;
      alarm: { enable: boolean };
    };
    const reasons = { watchdog: WATCHDOG_REASON_TIMER, software: WATCHDOG_REASON_FORCE };
    watchdog.reason = cause === 'watchdog' || cause === 'software' ? reasons[cause] : 0;
    watchdog.onWatchdogTrigger = () => {
      // Or it would fire again at the same instant, for ever.
      watchdog.alarm.enable = false;
      this.pendingReset = watchdog.reason === WATCHDOG_REASON_FORCE ? 'software' : 'watchdog';
      this.cpu.interrupt();
    };
  }

  private flashChanged(): void {
    this.flashIsReadable = this.ssi.isReadable;
    this.cpu?.interrupt();
  }

  // ---- The world ----

  private connect(): void {
    const { chip } = this;
    this.usb = new UsbHost(chip.usbCtrl, this.clock);
    this.usb.onData = (bytes) => this.onUsb?.(bytes);
    for (const uart of chip.uart) uart.onByte = (byte) => this.onUart?.(byte);
    const { adc } = chip;
    const done = this.clock.createAlarm(() => {
      const channel = (adc.cs >> 12) & 7;
      adc.completeADCRead(this.onAdc(channel, this.nanos) & 0xfff, false);
    });
    const write = adc.writeUint32.bind(adc);
    adc.writeUint32 = (offset, value) => {
      const isStart = offset === 0 && (value & 8) !== 0 && (adc.cs & 8) === 0;
      if (isStart) this.onAdcStream?.((adc.divider * 1000) / 48);
      write(offset, value);
    };
    adc.onADCRead = () => done.schedule(adc.sampleTime * 1000);
    drivePio(chip, this.clock);
    chip.gpio.forEach((pin, index) => {
      pin.addListener((state) => this.onPin?.(index, state === 1, this.nanos));
      pin.setInputValue(this.inputs.get(index) ?? true);
    });
  }

  /** Drives an input from outside. */
  setPin(pin: number, level: boolean): void {
    if (this.inputs.get(pin) === level) return;
    this.inputs.set(pin, level);
    this.chip.gpio[pin]?.setInputValue(level);
    const enabled = (this.io.value(0x160 + 4 * (pin >> 3)) >> (4 * (pin & 7))) & 0xc;
    if (this.isDormant && enabled !== 0) {
      this.isDormant = false;
      this.chip.peripherals[0x40024]!.writeUint32(0x08, 0x77616b65);
    }
  }

  /** Level of a pin that the firmware drives; undefined while it does not. */
  pin(pin: number): boolean | undefined {
    const gpio = this.chip.gpio[pin];
    return gpio && gpio.outputEnable ? gpio.outputValue : undefined;
  }

  /** Share of the time that a pin is on: its PWM duty, or its level. */
  duty(pin: number): number {
    const gpio = this.chip.gpio[pin];
    if (!gpio) return 0;
    if ((gpio.ctrl & 31) !== 4) return gpio.outputEnable && gpio.outputValue ? 1 : 0;
    const slice = 0x14 * ((pin >> 1) & 7);
    const { pwm } = this.chip;
    const level = (pwm.readUint32(slice + 0x0c) >>> (pin & 1 ? 16 : 0)) & 0xffff;
    return Math.min(1, level / (pwm.readUint32(slice + 0x10) + 1));
  }

  sendUart(bytes: Iterable<number>, port = 0): void {
    for (const byte of bytes) this.chip.uart[port]?.feedByte(byte);
  }

  /** Bytes of memory, in flash or SRAM. */
  read(address: number, bytes: number): Uint8Array {
    const { chip } = this;
    const [memory, base] = address >= 0x20000000 ? [chip.sram, 0x20000000] : [chip.flash, FLASH];
    return memory.slice(address - base, address - base + bytes);
  }
}

/** Registers that rp2040js does not know: how deep to sleep; whether a DMA abort is over. */
function addSystemControl(chip: RP2040): void {
  const { dma } = chip;
  const read = dma.readUint32.bind(dma);
  dma.readUint32 = (offset) => (offset === 0x444 ? 0 : read(offset));
  const { ppb } = chip;
  const write = ppb.writeUint32.bind(ppb);
  ppb.writeUint32 = (offset, value) => {
    if (offset !== 0xd10) write(offset, value);
  };
}

/** rp2040js runs PIO beside the clock; here its first state machine takes its time. */
function drivePio(chip: RP2040, clock: ChipClock): void {
  for (const pio of chip.pio) {
    const [machine] = pio.machines;
    if (machine === undefined) continue;
    const inner = machine as unknown as {
      cycles: number;
      clockDivInt: number;
      clockDivFrac: number;
    };
    const alarm = clock.createAlarm(() => advance());
    const advance = (): void => {
      if (pio.stopped) return;
      const before = inner.cycles;
      pio.step();
      const divider = inner.clockDivInt + inner.clockDivFrac / 256;
      alarm.schedule((Math.max(1, inner.cycles - before) * divider * 1e9) / chip.clkSys);
    };
    pio.run = advance;
  }
}

function quiet(warn: (text: string) => void): Logger {
  const ignore = (): void => undefined;
  const say = (component: string, text: string): void => warn(`${component}: ${text}`);
  return { debug: ignore, info: ignore, warn: say, error: say };
}
