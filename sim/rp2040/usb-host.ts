/**
 * A computer at the emulated chip's USB port: enumerates the device as an operating system does,
 * then is a serial port.
 */
import type { RPUSBController } from 'rp2040js';
import type { ChipClock } from './clock.ts';

interface Transfer {
  setup: Uint8Array;
  /** Data to the device; none for transfers from it. */
  data?: Uint8Array;
  done?: (data: Uint8Array) => void;
}

const PACKET_BYTES = 64;
/** Between two control transfers. */
const PAUSE_NANOS = 100_000;

const DEVICE = 1;
const CONFIGURATION = 2;
const STRING = 3;

function setup(type: number, request: number, value: number, index: number, length: number) {
  return Uint8Array.of(
    ...[type, request, value & 255, value >> 8],
    ...[index & 255, index >> 8, length & 255, length >> 8],
  );
}

export class UsbHost {
  device?: Uint8Array;
  configuration?: Uint8Array;
  strings: string[] = [];
  isConfigured = false;
  /** Bytes from the device's serial port. */
  onData?: (bytes: Uint8Array) => void;
  /** Enumeration is over. */
  onConfigured?: () => void;

  private readonly queue: Transfer[] = [];
  private current?: Transfer;
  private received: number[] = [];
  private isOutArmed = false;
  private isDataDone = false;
  private isBulkArmed = false;
  private readonly toDevice: number[] = [];
  private readonly pause: { schedule(delta: number): void; cancel(): void };

  constructor(
    private readonly usb: RPUSBController,
    clock: ChipClock,
  ) {
    this.pause = clock.createAlarm(() => this.start());
    usb.onUSBEnabled = () => usb.resetDevice();
    usb.onResetReceived = () => this.enumerate();
    usb.onEndpointWrite = (endpoint, bytes) => this.fromDevice(endpoint, bytes);
    usb.onEndpointRead = (endpoint) => this.deviceWants(endpoint);
  }

  /** Opens the serial port (DTR and RTS on) or closes it. */
  setOpen(isOpen: boolean): void {
    this.enqueue({ setup: setup(0x21, 0x22, isOpen ? 3 : 0, 0, 0) });
  }

  setBaud(baud: number): void {
    const coding = [baud & 255, (baud >> 8) & 255, (baud >> 16) & 255, baud >>> 24, 0, 0, 8];
    this.enqueue({ setup: setup(0x21, 0x20, 0, 0, 7), data: Uint8Array.from(coding) });
  }

  send(bytes: Iterable<number>): void {
    this.toDevice.push(...bytes);
    this.sendBulk();
  }

  /** A control transfer of the caller's own. */
  request(bytes: Uint8Array, done: (data: Uint8Array) => void): void {
    this.enqueue({ setup: bytes, done });
  }

  private enumerate(): void {
    this.queue.length = 0;
    this.current = undefined;
    this.isConfigured = false;
    this.isBulkArmed = false;
    this.isOutArmed = false;
    this.enqueue({
      setup: setup(0x80, 6, DEVICE << 8, 0, 64),
      done: (data) => (this.device = data),
    });
    this.enqueue({ setup: setup(0x00, 5, 7, 0, 0) });
    this.enqueue({
      setup: setup(0x80, 6, CONFIGURATION << 8, 0, 9),
      done: (data) => this.readConfiguration(data),
    });
  }

  private readConfiguration(head: Uint8Array): void {
    const length = (head[2] ?? 0) | ((head[3] ?? 0) << 8);
    this.enqueue({
      setup: setup(0x80, 6, CONFIGURATION << 8, 0, length),
      done: (data) => (this.configuration = data),
    });
    for (const index of [1, 2, 3]) {
      this.enqueue({
        setup: setup(0x80, 6, (STRING << 8) | index, 0x409, 255),
        done: (data) => (this.strings[index - 1] = Buffer.from(data.slice(2)).toString('utf16le')),
      });
    }
    this.enqueue({
      setup: setup(0x00, 9, 1, 0, 0),
      done: () => {
        this.isConfigured = true;
        this.onConfigured?.();
      },
    });
  }

  private enqueue(transfer: Transfer): void {
    this.queue.push(transfer);
    if (!this.current) this.pause.schedule(PAUSE_NANOS);
  }

  private start(): void {
    if (this.current) return;
    this.current = this.queue.shift();
    if (!this.current) return;
    this.received = [];
    this.isOutArmed = false;
    this.isDataDone = false;
    this.usb.sendSetupPacket(this.current.setup);
  }

  private finish(): void {
    const { current } = this;
    this.current = undefined;
    current?.done?.(Uint8Array.from(this.received));
    this.pause.schedule(PAUSE_NANOS);
  }

  private fromDevice(endpoint: number, bytes: Uint8Array): void {
    if (endpoint === 2) this.onData?.(bytes);
    if (endpoint !== 0 || !this.current) return;
    const { setup: request } = this.current;
    const isFromDevice = (request[0]! & 0x80) !== 0;
    if (!isFromDevice) {
      if (bytes.length === 0) this.finish();
      return;
    }
    this.received.push(...bytes);
    const asked = request[6]! | (request[7]! << 8);
    if (bytes.length < PACKET_BYTES || this.received.length >= asked) this.isDataDone = true;
    this.acknowledge();
  }

  private deviceWants(endpoint: number): void {
    if (endpoint === 2) {
      this.isBulkArmed = true;
      this.sendBulk();
    }
    if (endpoint !== 0 || !this.current) return;
    this.isOutArmed = true;
    if (this.current.data) {
      this.isOutArmed = false;
      this.usb.endpointReadDone(0, this.current.data);
    } else {
      this.acknowledge();
    }
  }

  /** After data from the device: an empty packet to it. */
  private acknowledge(): void {
    if (!this.isDataDone || !this.isOutArmed) return;
    this.isOutArmed = false;
    this.usb.endpointReadDone(0, new Uint8Array());
    this.finish();
  }

  private sendBulk(): void {
    if (!this.isBulkArmed || this.toDevice.length === 0) return;
    this.isBulkArmed = false;
    this.usb.endpointReadDone(2, Uint8Array.from(this.toDevice.splice(0, PACKET_BYTES)));
  }
}
