import { createHash, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { RetuneError } from '../cli/error.ts';
import {
  BUSY_ANSWER,
  BUSY_ATTEMPTS,
  BUSY_MS,
  COMMAND_STATEMENT,
  parseTrust,
  refusal,
  REGISTER_RESULT,
  REGISTER_TRUST,
  type Trust,
} from '../fleet/owner.ts';
import { counterOfNow, signProgram, splitProgram } from '../fleet/program.ts';
import { compileProgram, missingProgram } from './compile.ts';
import { HUB_PORT, HubConnection } from './hub.ts';
import { createProxyBridge, JDBus, type JDService, OutPipe, Packet } from './jacdac.ts';
import { consoleLine, escapeFrame, LinkReader } from './link.ts';

export interface DeployOptions {
  /** Private key that signs the program; a file that is signed already needs none. */
  key?: KeyObject;
  /** Of the signature; default: the time, and more than the board has seen. */
  counter?: number;
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
const TRUST_TIMEOUT_S = 2;
const GET_REGISTER = 0x1000;
const NOT_IMPLEMENTED = 0x03;
/** jacdac-ts's name of the event. */
const REPORT = 'reportReceive';
const SERIAL_BAUD = 115200;
const LOOK_MS = 50;

/** Compiles a program and writes it to a device's flash, where it runs from then on. */
export async function deployProgram(file: string, options: DeployOptions = {}): Promise<Deployed> {
  const { image, statement } = await readProgram(file);
  const print = options.print ?? ((line) => void process.stderr.write(`${line}\n`));
  const open =
    options.serial === undefined
      ? hubTransport(options.port ?? HUB_PORT)
      : serialTransport(options.serial, print);
  return deployImage(image, open, { ...options, statement });
}

/** A script (.ts), a compiled program, or one with its owner's statement behind it. */
export async function readProgram(
  file: string,
): Promise<{ image: Uint8Array; statement?: Uint8Array }> {
  if (!existsSync(file)) throw missingProgram(file);
  if (file.endsWith('.ts')) return { image: (await compileProgram(file)).image };
  return splitProgram(new Uint8Array(readFileSync(file)));
}

interface ImageOptions extends DeployOptions {
  /** The owner's, of this image (fleet/program.ts). */
  statement?: Uint8Array;
}

/** The same with an image, over any transport. */
export async function deployImage(
  image: Uint8Array,
  open: OpenTransport,
  options: ImageOptions = {},
): Promise<Deployed> {
  const { device, timeout = DEFAULT_TIMEOUT_S } = options;
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
    await introduce(service, image, { ...options, timeout });
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

/** Tells the board who has signed what comes, before anything is stopped or written. */
async function introduce(
  service: JDService,
  image: Uint8Array,
  { key, counter, statement, timeout }: ImageOptions & { timeout: number },
): Promise<void> {
  const trust = await readTrust(service);
  const isNeeded = trust?.isLocked === true;
  if (isNeeded && trust.state === 'damaged') throw refused(service, DAMAGED);
  if (key === undefined && statement === undefined) {
    if (isNeeded) throw refused(service, UNSIGNED);
    return;
  }
  if (trust?.owner === undefined) {
    if (key !== undefined)
      throw refused(service, trust?.state === 'unclaimed' ? UNCLAIMED : UNSUPPORTED);
    return; // a signed file runs on an open board as well
  }
  const next = Math.max(counterOfNow(), trust.counter + 1);
  const signed = key && signProgram(image, key, { counter: counter ?? next });
  const code = await state(service, timeout, (signed ?? statement) as Uint8Array);
  if (code !== 0 && (isNeeded || key !== undefined)) throw refused(service, code);
}

/** What the board answers to a statement, once more if another was refused just before. */
async function state(service: JDService, timeout: number, statement: Uint8Array): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const answer = await ask(service, COMMAND_STATEMENT, timeout, statement);
    const code = answer?.[0] ?? UNSUPPORTED;
    if (code !== BUSY_ANSWER || attempt === BUSY_ATTEMPTS) return code;
    await wait(BUSY_MS);
  }
}

/** rt_trust_answer_t. */
const UNSUPPORTED = 1;
const UNCLAIMED = 3;
const UNSIGNED = 14;
const DAMAGED = 11;

function refused(service: JDService, answer: number): RetuneError {
  return new RetuneError(`device ${service.device.deviceId} refuses: ${refusal(answer)}`);
}

/** Undefined of a firmware that knows nothing of owners. */
async function readTrust(service: JDService): Promise<Trust | undefined> {
  const bytes = await ask(service, GET_REGISTER | REGISTER_TRUST, TRUST_TIMEOUT_S);
  return bytes && parseTrust(bytes);
}

/**
 * The answer to a command that jacdac-ts has no specification of; undefined when the device does not
 * know it, or says nothing.
 */
function ask(
  service: JDService,
  command: number,
  seconds: number,
  payload: Uint8Array = new Uint8Array(),
): Promise<Uint8Array | undefined> {
  return new Promise((resolve) => {
    const done = (answer: Uint8Array | undefined): void => {
      clearTimeout(timer);
      service.off(REPORT, onReport);
      resolve(answer);
    };
    const onReport = ({ serviceCommand, data }: Packet): void => {
      if (serviceCommand === command) done(Uint8Array.from(data));
      const isUnknown = serviceCommand === NOT_IMPLEMENTED && data.length >= 2;
      if (isUnknown && ((data[0] ?? 0) | ((data[1] ?? 0) << 8)) === command) done(undefined);
    };
    const timer = setTimeout(() => done(undefined), 1000 * seconds);
    service.on(REPORT, onReport);
    void service.sendPacketAsync(Packet.from(command, payload));
  });
}

/** As the official tools do: stopped meanwhile, and afterwards as it was. */
async function write(service: JDService, image: Uint8Array, timeout: number): Promise<void> {
  const autostart = service.register(REGISTER.autostart);
  const running = service.register(REGISTER.running);
  await within(autostart.refresh(), timeout, 'does not answer');
  const before = autostart.boolValue ?? true;
  await autostart.sendSetBoolAsync(false);
  await running.sendSetBoolAsync(false);
  try {
    await within(OutPipe.sendBytes(service, COMMAND_DEPLOY, image), 6 * timeout, 'took no program');
    await autostart.sendSetBoolAsync(before);
    // Before waiting for a program that will not come.
    if ((await readResult(service)) !== 0) throw new RetuneError('the device took no program');
    await checkSha(service, image, timeout);
  } catch (error) {
    const reason = await readResult(service);
    // What was there before goes on; the board does the same by itself when nothing more comes.
    await autostart.sendSetBoolAsync(before);
    await running.sendSetBoolAsync(true);
    throw reason === 0 ? error : refused(service, reason);
  }
  await running.sendSetBoolAsync(true);
}

/** rt_trust_answer_t of the last deploy; 0 when it does not say. */
async function readResult(service: JDService): Promise<number> {
  return (await ask(service, GET_REGISTER | REGISTER_RESULT, TRUST_TIMEOUT_S))?.[0] ?? 0;
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
