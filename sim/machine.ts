import type { AdapterSlots } from './adapter-slots.ts';
import type { VirtualClock } from './clock.ts';
import type { Program, ServiceSpec } from './compile.ts';
import type { DeltaFlash } from './delta.ts';
import {
  JDBus,
  type JDBridge,
  JDServerServiceProvider,
  type JDServiceServer,
  type Packet,
  createProxyBridge,
} from './jacdac.ts';
import { OfficialVm } from './vm.ts';

/** Device ids on the simulated bus; any will do as long as they differ. */
const VM_DEVICE = '1d46a30eef48919f';
export const BOARD_DEVICE = '2e57b41ff059a2a0';
const BUS_DEVICE = '3f68c5200f6ab3b1';

/** Memory that survives a reboot. */
export interface Flash {
  /** The VM's own: program and settings. */
  vm?: Uint8Array;
  /** Of the settings service beside the official VM, as its server writes them. */
  settings?: string;
  /** Where a service of ours runs beside the official VM. */
  slots: AdapterSlots;
  delta?: DeltaFlash;
  /** All of it, where the chip runs our firmware. */
  chip?: Uint8Array;
}

export interface MachineOptions {
  clock: VirtualClock;
  services: ServiceSpec[];
  flash: Flash;
  randomBytes: (count: number) => Uint8Array;
  /** Takes the frames that leave the board when there is no VM beside it; `receive` is the way in. */
  onFrame?: (frame: Uint8Array) => void;
  onLog: (level: string, text: string) => void;
  onPanic: (code: number) => void;
}

/**
 * One power cycle of a board: the VM and a device with our service servers on one Jacdac bus,
 * driven by one virtual clock. After `powerOff` make another one with the same flash.
 */
export class Machine {
  readonly bus: JDBus;
  private readonly timers;
  private readonly bridge: JDBridge;
  private readonly toVm: Uint8Array[] = [];
  private readonly toBus: Uint8Array[] = [];
  private vm?: OfficialVm;
  private vmDue = 0;
  private readonly bootedAt: number;

  constructor(private readonly options: MachineOptions) {
    this.bootedAt = options.clock.now;
    this.timers = options.clock.group();
    this.bus = new JDBus([], {
      scheduler: this.timers,
      services: options.services,
      deviceId: BUS_DEVICE,
      // the VM has one, and no one here assigns roles by hand
      disableRoleManager: true,
    });
    // Frames wait in two queues: the VM must not be entered again while it runs.
    const send = options.onFrame ?? ((frame) => void this.toVm.push(Uint8Array.from(frame)));
    this.bridge = createProxyBridge(send);
    this.bridge.bus = this.bus;
  }

  /** Timers that end with this power cycle. */
  get scheduler(): ReturnType<VirtualClock['group']> {
    return this.timers;
  }

  /** Puts a device with these services on the bus. */
  attach(servers: JDServiceServer[]): void {
    this.bus.addServiceProvider(new BoardProvider('board', servers, { deviceId: BOARD_DEVICE }));
  }

  /** Starts the VM, with `program` or, without one, with what the flash holds. */
  async boot(program?: Program): Promise<void> {
    const { clock, flash } = this.options;
    this.bus.start();
    this.vm = await OfficialVm.boot({
      now: () => clock.now - this.bootedAt,
      randomBytes: this.options.randomBytes,
      deviceId: VM_DEVICE,
      flash: flash.vm,
      onFrame: (frame) => void this.toBus.push(frame),
      onFlash: (content) => {
        flash.vm = content;
      },
      onLog: this.options.onLog,
      onPanic: this.options.onPanic,
    });
    if (program !== undefined) this.vm.deploy(program.image);
    this.vmDue = clock.now;
  }

  /** A frame from outside. */
  receive(frame: Uint8Array): void {
    this.toBus.push(frame);
  }

  powerOff(): void {
    this.vm = undefined;
    void this.bus.stop();
    this.timers.clear();
  }

  /**
   * Runs everything that is due at the present instant, then moves the clock to the next instant at
   * which something is. @param limit latest instant to move to
   */
  async step(limit: number): Promise<void> {
    const { clock } = this.options;
    do {
      while (this.toBus.length > 0)
        this.bridge.receiveFrameOrPacket(this.toBus.shift() as Uint8Array);
      await settled();
      while (this.toVm.length > 0) this.vm?.receive(this.toVm.shift() as Uint8Array);
      if (this.vm !== undefined) this.vmDue = clock.now + Math.max(this.vm.process(), MIN_STEP_MS);
    } while (this.toBus.length > 0 || this.toVm.length > 0);
    clock.advance(Math.min(limit, this.vm === undefined ? Infinity : this.vmDue, clock.next));
    await settled();
  }
}

/** The VM's clock has a resolution of one millisecond. */
const MIN_STEP_MS = 1;

/** Lets the promises inside jacdac-ts run their course. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** jacdac-ts repeats events by the wall clock; on this board they are repeated by the bus's own. */
class BoardProvider extends JDServerServiceProvider {
  override delayedSend(packet: Packet, timestamp: number): void {
    const delay = timestamp - this.bus.timestamp;
    this.bus.scheduler.setTimeout(() => void this.sendPacketAsync(packet), delay);
  }
}
