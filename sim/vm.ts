import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { compileFunction } from 'node:vm';

/**
 * The official DeviceScript VM in this process. Its WebAssembly module has no package of its own: it
 * lies inside the bundle of `@devicescript/cli`, and is taken from there as it is. What the module
 * asks of its surroundings (Date, timers, random bytes, console) is handed in by us, and that is
 * how its time becomes virtual.
 */
export interface VmOptions {
  /** Milliseconds since boot; read by the VM whenever it wants the time. */
  now: () => number;
  /** Fills in random bytes. */
  randomBytes: (count: number) => Uint8Array;
  /** Eight bytes in hexadecimal. */
  deviceId: string;
  /** What the flash holds, if anything. */
  flash?: Uint8Array;
  /** A frame from the VM to the bus. */
  onFrame: (frame: Uint8Array) => void;
  /** A line of the VM's log: level `>` log, `*` warning, `!` error, `?` debug, `#` data, ` ` the VM's own. */
  onLog: (level: string, text: string) => void;
  /** The flash was written. */
  onFlash: (content: Uint8Array) => void;
  /** The program stopped with this code; 0 when it ended or restarts on purpose. */
  onPanic: (code: number) => void;
}

/** The part of the Emscripten module that we use. */
interface VmModule {
  HEAPU8: Uint8Array;
  dmesg: (line: string) => void;
  error: (...args: unknown[]) => void;
  log: (...args: unknown[]) => void;
  sendPacket: (frame: Uint8Array) => number;
  flashLoad: () => Uint8Array;
  flashSave: (content: Uint8Array) => void;
  panicHandler: (code: number) => void;
  deployHandler: (code: number) => void;
  devsInit: () => void;
  devsSetDeviceId: (id: string) => void;
  devsDeploy: (program: Uint8Array) => number;
  _malloc: (bytes: number) => number;
  _free: (pointer: number) => void;
  _jd_em_process: () => number;
  _jd_em_frame_received: (pointer: number) => number;
}

type VmFactory = (
  date: { now: () => number },
  require: (name: string) => unknown,
  console: Pick<Console, 'log' | 'error' | 'debug' | 'warn'>,
) => () => Promise<VmModule>;

const BEGIN = 'var Module = (() => {';
const END = 'if (typeof exports === "object" && typeof module2 === "object")';

const nodeRequire = createRequire(import.meta.url);
let factory: VmFactory | undefined;

/** Cuts the VM's module out of the CLI's bundle; once a process. */
function loadFactory(): VmFactory {
  if (factory !== undefined) return factory;
  const bundle = nodeRequire.resolve('@devicescript/cli/built/devicescript-cli.cjs');
  const text = readFileSync(bundle, 'utf8');
  const section = text.indexOf('// runtime/devicescript-vm/');
  const begin = text.indexOf(BEGIN, section);
  const end = text.indexOf(END, begin);
  if (section < 0 || begin < 0 || end < 0) {
    throw new Error(`${bundle}: this version of @devicescript/cli holds no VM where 2.16 has it`);
  }
  const parameters = [
    'Date',
    'require',
    'console',
    'setTimeout',
    'setInterval',
    'clearInterval',
    '__filename',
    '__dirname',
  ];
  const create = compileFunction(`${text.slice(begin, end)}\nreturn Module;`, parameters) as (
    ...args: unknown[]
  ) => () => Promise<VmModule>;
  // Timers stay unused: we call jd_em_process ourselves when it is due.
  const none = (): number => 0;
  factory = (date, requireFor, console) =>
    create(date, requireFor, console, none, none, none, bundle, bundle);
  return factory;
}

/** Milliseconds that the VM's clock shows at boot: any date will do, but not 0. */
const EPOCH_MS = 1_000_000;

export class OfficialVm {
  private constructor(private readonly module: VmModule) {}

  static async boot(options: VmOptions): Promise<OfficialVm> {
    const date = { now: () => EPOCH_MS + Math.floor(options.now()) };
    const requireFor = (name: string): unknown => {
      return name === 'crypto' ? { randomBytes: options.randomBytes } : nodeRequire(name);
    };
    const print =
      (level: string) =>
      (...args: unknown[]): void =>
        options.onLog(level, args.map(String).join(' '));
    const console = { log: print(' '), debug: print(' '), warn: print('*'), error: print('!') };
    const module = await loadFactory()(date, requireFor, console)();
    module.log = print(' ');
    module.error = print('!');
    module.dmesg = (line) => logLine(line, options.onLog);
    module.sendPacket = (frame) => {
      options.onFrame(frame);
      return 0;
    };
    module.flashLoad = () => options.flash ?? new Uint8Array(0);
    module.flashSave = options.onFlash;
    module.panicHandler = options.onPanic;
    module.deployHandler = () => undefined;
    module.devsSetDeviceId(options.deviceId);
    module.devsInit();
    return new OfficialVm(module);
  }

  /** Writes a program to flash and starts it. */
  deploy(program: Uint8Array): void {
    const code = this.module.devsDeploy(program);
    if (code !== 0) throw new Error(`the VM refused the program: error ${code}`);
  }

  /** Hands a frame from the bus to the VM. Not to be called from within `onFrame`. */
  receive(frame: Uint8Array): void {
    const pointer = this.module._malloc(frame.length);
    this.module.HEAPU8.set(frame, pointer);
    this.module._jd_em_frame_received(pointer);
    this.module._free(pointer);
  }

  /** Runs what is due. @returns milliseconds until it wants to run again */
  process(): number {
    return this.module._jd_em_process() / 1000;
  }
}

/** A script's own lines start with a level mark and a space; all else is the VM's chatter. */
function logLine(line: string, onLog: VmOptions['onLog']): void {
  const marked = /^\s*([>*!?#]) ?(.*)$/.exec(line);
  if (marked) onLog(marked[1] as string, marked[2] as string);
  else onLog(' ', line);
}
