import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { RetuneError } from '../cli/error.ts';
import { compileProgram, missingProgram } from './compile.ts';
import { HUB_PORT, HubConnection } from './hub.ts';
import { createProxyBridge, JDBus, type JDService, OutPipe } from './jacdac.ts';
import { consoleLine, escapeFrame, LinkReader } from './link.ts';

export interface DeployOptions {
  /** A serial port, USB or UART, with the board at its end; default: the hub of `devs devtools`. */
  serial?: string;
  /** TCP port of the hub. */
  port?: number;
  /** Identifier of the device, sixteen digits; needed where there are several. */
  device?: string;
  /** Seconds to wait for the device; default 10. */
  timeout?: number;
  print?: (line: string) => void;
}

export interface Deployed {
  device: string;
  bytes: number;
}

/** The way to a device: frames out and in. */
export interface Transport {
  send: (frame: Uint8Array) => void;
  close: () => void;
}

export type OpenTransport = (onFrame: (frame: Uint8Array) => void) => Promise<Transport>;

const DEPLOY_CLASS = 0x1134ea2b;
const COMMAND_DEPLOY = 0x80;
const REGISTER = { running: 0x80, autostart: 0x81, sha256: 0x182 } as const;
const DEFAULT_TIMEOUT_S = 10;
const SERIAL_BAUD = 115200;
const LOOK_MS = 50;

/** Compiles a program and writes it to a device's flash, where it runs from then on. */
export async function deployProgram(file: string, options: DeployOptions = {}): Promise<Deployed> {
  const image = await readImage(file);
  const print = options.print ?? ((line) => void process.stderr.write(`${line}\n`));
  const open =
    options.serial === undefined
      ? hubTransport(options.port ?? HUB_PORT)
      : serialTransport(options.serial, print);
  return deployImage(image, open, options);
}

async function readImage(file: string): Promise<Uint8Array> {
  if (!existsSync(file)) throw missingProgram(file);
  if (file.endsWith('.ts')) return (await compileProgram(file)).image;
  return new Uint8Array(readFileSync(file));
}

/** The same with an image, over any transport. */
export async function deployImage(
  image: Uint8Array,
  open: OpenTransport,
  { device, timeout = DEFAULT_TIMEOUT_S }: DeployOptions = {},
): Promise<Deployed> {
  const bus = new JDBus([], { disableRoleManager: true });
  // frames may arrive before the bus has its bridge
  const early: Uint8Array[] = [];
  let receive = (frame: Uint8Array): void => void early.push(frame);
  const transport = await open((frame) => receive(frame));
  const bridge = createProxyBridge((frame) => transport.send(Uint8Array.from(frame)));
  bridge.bus = bus;
  receive = (frame) => bridge.receiveFrameOrPacket(frame);
  early.forEach(receive);
  try {
    await bus.start();
    const service = await findService(bus, device, timeout);
    await write(service, image, timeout);
    return { device: service.device.deviceId, bytes: image.length };
  } finally {
    await bus.stop();
    transport.close();
  }
}

async function findService(
  bus: JDBus,
  device: string | undefined,
  timeout: number,
): Promise<JDService> {
  const end = performance.now() + 1000 * timeout;
  while (performance.now() < end) {
    const found = bus.services({ serviceClass: DEPLOY_CLASS });
    const wanted = found.filter((one) => device === undefined || one.device.deviceId === device);
    if (wanted.length > 1) {
      const names = wanted.map((one) => one.device.deviceId).join(', ');
      throw new RetuneError(`several devices take programs: ${names}; name one with --device`);
    }
    if (wanted[0] !== undefined) return wanted[0];
    await wait(LOOK_MS);
  }
  const which = device === undefined ? 'no device that takes programs' : `no device ${device}`;
  throw new RetuneError(`${which} within ${timeout} s; switch it on, or start \`retune serve\``);
}

/** As the official tools do: stopped meanwhile, and afterwards as it was. */
async function write(service: JDService, image: Uint8Array, timeout: number): Promise<void> {
  const autostart = service.register(REGISTER.autostart);
  const running = service.register(REGISTER.running);
  await within(autostart.refresh(), timeout, 'does not answer');
  const before = autostart.boolValue;
  await autostart.sendSetBoolAsync(false);
  await running.sendSetBoolAsync(false);
  await within(OutPipe.sendBytes(service, COMMAND_DEPLOY, image), 6 * timeout, 'took no program');
  if (before !== undefined) await autostart.sendSetBoolAsync(before);
  await checkSha(service, image, timeout);
  await running.sendSetBoolAsync(true);
}

async function checkSha(service: JDService, image: Uint8Array, timeout: number): Promise<void> {
  const expected = createHash('sha256').update(image).digest();
  const sha = service.register(REGISTER.sha256);
  const end = performance.now() + 1000 * timeout;
  while (performance.now() < end) {
    await sha.refresh();
    if (sha.data !== undefined && expected.equals(sha.data)) return;
    await wait(LOOK_MS);
  }
  throw new RetuneError('the device has not kept the program; is it larger than its flash region?');
}

async function within<T>(work: Promise<T>, seconds: number, what: string): Promise<T> {
  const failure = new AbortController();
  const late = wait(1000 * seconds, undefined, { signal: failure.signal }).then(() => {
    throw new RetuneError(`the device ${what} within ${seconds} s; reset it and try again`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    failure.abort();
    late.catch(() => undefined);
  }
}

/** By way of `devs devtools`, to whatever is connected there. */
export function hubTransport(port: number): OpenTransport {
  return (onFrame) =>
    new Promise((resolve, reject) => {
      const hub = new HubConnection({
        port,
        onFrame,
        onState: (state) => {
          if (state === 'connected') return resolve(hub);
          hub.close();
          reject(
            new RetuneError(
              `no hub on port ${port}; start one with \`npx devs devtools\`, or name a --serial port`,
            ),
          );
        },
      });
    });
}

interface SerialPort {
  on: (event: 'data', handler: (bytes: Uint8Array) => void) => void;
  write: (bytes: Uint8Array) => void;
  close: () => void;
}
interface SerialPortModule {
  SerialPort: new (
    options: { path: string; baudRate: number },
    opened: (error: Error | null) => void,
  ) => SerialPort;
}

/** Straight to a board. The console of its program goes to `print`. */
export function serialTransport(path: string, print: (line: string) => void): OpenTransport {
  return async (onFrame) => {
    const port = await openSerial(path);
    const reader = new LinkReader({
      onFrame,
      onText: (line) => {
        const { level, text } = consoleLine(line);
        if (level !== ' ') print(`${level} ${text}`);
      },
    });
    port.on('data', (bytes) => reader.feed(bytes));
    return {
      send: (frame) => port.write(escapeFrame(frame)),
      close: () => port.close(),
    };
  };
}

async function openSerial(path: string): Promise<SerialPort> {
  let module: SerialPortModule;
  try {
    // comes with the DeviceScript command, where it could be installed
    module = (await import('serialport' as string)) as SerialPortModule;
  } catch {
    throw new RetuneError(`--serial ${path}: the package serialport is missing; npm i serialport`);
  }
  return new Promise((resolve, reject) => {
    const port = new module.SerialPort({ path, baudRate: SERIAL_BAUD }, (error) => {
      if (error === null) resolve(port);
      else reject(new RetuneError(`--serial ${path}: ${error.message}; check the port's name`));
    });
  });
}
