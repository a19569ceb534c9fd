import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { writeResult } from '../cli/writable.ts';
import { compileServices, projectRoot, type ServiceSpec } from './compile.ts';
import { HUB_PORT, HUB_WEBSOCKET_PORT, HubConnection } from './hub.ts';
import type { Flash } from './machine.ts';
import { createRoom, type RoomOptions } from './room.ts';
import { DEFAULT_TARGET } from './targets.ts';
import type { World } from './world.ts';

export interface ServeOptions extends RoomOptions {
  /** Port of the hub that `devs devtools` opens; default 8082, or 8081 for WebSocket. */
  port?: number;
  webSocket?: boolean;
  /** Identifier of the device: sixteen hexadecimal digits, or any name. */
  deviceId?: string;
  /** The flash is erased at the start. */
  clearFlash?: boolean;
  /** The flash is neither read from disk nor kept. */
  stateless?: boolean;
  /** Console lines in the form that the tools expect of a simulator, and no others. */
  forTools?: boolean;
  print?: (line: string) => void;
  signal?: AbortSignal;
}

/** How long the board may go without a look at the wall clock. */
const PACE_MS = 20;
const SAVE_MS = 500;
const DEVICES = join(projectRoot, '.retune', 'devices');

/**
 * Joins the hub of `devs devtools` as a device, in real time, for ever: a board on which the tools
 * see services, deploy programs and read the console. Its flash is kept on disk.
 */
export async function runServe(options: ServeOptions = {}): Promise<void> {
  const print = options.print ?? ((line) => void process.stdout.write(`${line}\n`));
  const tell = options.forTools === true ? (): void => undefined : print;
  const services = await neededServices(options);
  const deviceId = identifier(options.deviceId ?? 'retune');
  const store = options.stateless === true ? undefined : join(DEVICES, `${deviceId}.flash.gz`);
  const { webSocket } = options;
  const port = options.port ?? (webSocket === true ? HUB_WEBSOCKET_PORT : HUB_PORT);
  const inbox = new Inbox();
  const hub = new HubConnection({
    port,
    webSocket,
    onFrame: (frame) => inbox.put(frame),
    onState: (state) => {
      if (state === 'connected') tell(`connected to the hub on port ${port}`);
      else tell(`waiting for the hub on port ${port}; npx devs devtools starts one`);
    },
  });
  const flash: Flash = { slots: new Map() };
  if (options.clearFlash !== true) flash.chip = readFlash(store);
  const { world, start } = await createRoom({
    ...options,
    deviceId,
    flash,
    print,
    program: { services },
    onFrame: (frame) => hub.send(frame),
    onLog: (level, text) => {
      if (options.forTools === true) print(`    ${level} ${text}`);
      else if (level !== ' ') print(`${level} ${text}`);
    },
    onPanic: () => undefined, // the console says so, and the board starts the program again
  });
  await start();
  try {
    await live(world, inbox, flash, store, options.signal ?? new AbortController().signal);
  } finally {
    hub.close();
    world.powerOff();
    writeFlash(store, flash);
  }
}

/**
 * The specifications of our services: the official VM's bus serves by them, and whoever talks to the
 * board reads along by them. Compiling them takes a while.
 */
function neededServices({ target = DEFAULT_TARGET, data }: RoomOptions): Promise<ServiceSpec[]> {
  if (target === 'official' || data !== undefined) return compileServices();
  return Promise.resolve([]);
}

/** Frames from the hub, and who waits for one. */
class Inbox {
  private frames: Uint8Array[] = [];
  private wake: () => void = () => undefined;

  put(frame: Uint8Array): void {
    this.frames.push(frame);
    this.wake();
  }

  take(): Uint8Array[] {
    return this.frames.splice(0);
  }

  /** Settles at the next frame, or after a while. */
  async next(milliseconds: number): Promise<void> {
    if (this.frames.length > 0) return;
    const timer = new AbortController();
    const arrived = new Promise<void>((resolve) => (this.wake = resolve));
    const late = wait(milliseconds, undefined, { signal: timer.signal }).catch(() => undefined);
    await Promise.race([arrived, late]);
    timer.abort();
  }
}

/** Virtual time follows the wall clock; a frame is answered at once. */
async function live(
  world: World,
  inbox: Inbox,
  flash: Flash,
  store: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const begun = performance.now() - world.clock.now;
  let saved = performance.now();
  while (!signal.aborted) {
    for (const frame of inbox.take()) world.board.receive(frame);
    const now = performance.now() - begun;
    do await world.step(Math.max(now, world.clock.now));
    while (world.clock.now < now);
    if (performance.now() - saved > SAVE_MS) {
      saved = performance.now();
      world.board.syncFlash();
      writeFlash(store, flash);
    }
    await inbox.next(PACE_MS);
  }
}

/** Sixteen digits as they are; any other name gives always the same ones. */
export function identifier(name: string): string {
  if (/^[0-9a-f]{16}$/i.test(name)) return name.toLowerCase();
  let hash = 0xcbf29ce484222325n; // FNV-1a
  for (const byte of Buffer.from(name)) {
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  }
  return hash.toString(16).padStart(16, '0');
}

function readFlash(store: string | undefined): Uint8Array | undefined {
  if (store === undefined || !existsSync(store)) return undefined;
  try {
    return new Uint8Array(gunzipSync(readFileSync(store)));
  } catch {
    return undefined; // cut off while it was written: the board comes up empty
  }
}

const written = new WeakMap<Flash, Uint8Array>();

function writeFlash(store: string | undefined, flash: Flash): void {
  if (store === undefined || flash.chip === undefined) return;
  const last = written.get(flash);
  if (last !== undefined && Buffer.compare(last, flash.chip) === 0) return;
  written.set(flash, flash.chip);
  writeResult(store, gzipSync(flash.chip, { level: 1 }), 'make the project folder writable');
}
