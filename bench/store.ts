/**
 * What the store costs: erases and bytes for each save, how long the flash lasts, and on the
 * emulated RP2040 the time of a mount, a save and a read.
 *
 *     npx tsx bench/store.ts [--json] [--check] [--write]
 *
 * Rates come from native/store as WebAssembly over a flash that counts (test/store); times from the
 * board's machine code: reading on a core whose flash cache is counted (bench/rp2040/xip.ts),
 * writing on the whole board with the flash chip's typical times (sim/rp2040/nor-flash.ts). `--check`
 * fails when the bounds do not hold, `--write` puts the table into docs/store.md.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { RetuneError } from '../cli/error.ts';
import { cFiles, projectRoot, scratchFolder } from '../compiler/toolchain.ts';
import { buildFirmware } from '../compiler/firmware.ts';
import { bootRom } from '../sim/rp2040/bootrom.ts';
import { Rp2040Board } from '../sim/rp2040/machine.ts';
import { loadBoard } from '../sim/processor.ts';
import { readBoard } from '../compiler/board.ts';
import { OK, StoreBench } from '../test/store/bench.ts';
import { writeBetween } from './document.ts';
import { buildImage } from './rp2040/build.ts';
import { Rp2040Machine } from './rp2040/machine.ts';
import { MISS_CYCLES } from './rp2040/xip.ts';

const STORE = ['store', 'log', 'space', 'old_format', 'adapter_record'].map(
  (name) => `native/store/${name}.c`,
);
const KEY_ADAPTER = 0x100;
const KEY_SETTING = 0x1000;
/** Metadata (72), blob header (24) and parameters of models/digits with adapter skip (docs/training.md). */
const DIGITS_BYTES = 72 + 24 + 3934;
const SLOTS = 8;
/** Of a sector, W25Q16JV data sheet: at least so many erases. */
const ENDURANCE = 100_000;
const DAYS = 365.25;
const SAVES_A_DAY = [10, 100, 1000];
/** While the flash erases or programs it takes this besides, W25Q16JV data sheet, typical. */
const FLASH_MILLIAMPS = 20;

const MOUNT_MOST_MS = 20;

// ---- rates ----

export interface Rate {
  what: string;
  saves: number;
  bytes: number;
  erasesPerSave: number;
  programsPerSave: number;
  bytesPerSave: number;
  /** Bytes programmed for each byte of the record. */
  amplification: number;
  /** Of the payloads' sectors over the run, the least and the most erased. */
  spread: [number, number];
  /** Saves until the most worn sector reaches its endurance. */
  savesOfLife: number;
}

interface Work {
  what: string;
  saves: number;
  bytes: number;
  key: (save: number) => number;
  /** Before it is counted. */
  prepare?: (store: StoreBench) => void;
}

const slotInTurn = (save: number): number => KEY_ADAPTER + (save % SLOTS);

/** Eight adapters, each with two versions. */
function fillSlots(store: StoreBench): void {
  for (let i = 0; i < 2 * SLOTS; i++) put(store, slotInTurn(i), Buffer.alloc(DIGITS_BYTES, i));
}

const WORKS: Work[] = [
  { what: 'adapter, one slot', saves: 4000, bytes: DIGITS_BYTES, key: () => KEY_ADAPTER },
  {
    what: 'adapter, eight slots in turn',
    ...{ saves: 4000, bytes: DIGITS_BYTES, key: slotInTurn },
  },
  {
    what: 'adapter, one slot, seven others at rest',
    ...{ saves: 4000, bytes: DIGITS_BYTES, key: () => KEY_ADAPTER, prepare: fillSlots },
  },
  { what: 'adapter of 1,000 bytes', saves: 4000, bytes: 1000, key: () => KEY_ADAPTER },
  { what: 'adapter of 8,000 bytes', saves: 2000, bytes: 8000, key: () => KEY_ADAPTER },
  { what: 'setting of 8 bytes', saves: 8000, bytes: 8, key: () => KEY_SETTING },
];

function put(store: StoreBench, key: number, bytes: Uint8Array): void {
  const status = store.put(key, bytes);
  if (status !== OK) throw new Error(`bench: the store answers ${status}`);
}

async function rateOf({ what, saves, bytes, key, prepare }: Work): Promise<Rate> {
  const store = await StoreBench.create();
  store.start();
  prepare?.(store);
  store.call('test_clear_counts');
  const content = Buffer.alloc(bytes);
  for (let i = 0; i < saves; i++) put(store, key(i), content.fill(i));
  const [erases, programs] = [store.call('test_erases'), store.call('test_programs')];
  const { sectors } = store.stats();
  const each = store.erases();
  const payload = each.slice(0, sectors);
  const most = Math.max(...each);
  return {
    ...{ what, saves, bytes },
    erasesPerSave: erases / saves,
    programsPerSave: programs / saves,
    bytesPerSave: (256 * programs) / saves,
    amplification: (256 * programs) / saves / bytes,
    spread: [Math.min(...payload), Math.max(...payload)],
    savesOfLife: Math.floor((ENDURANCE * saves) / most),
  };
}

// ---- times ----

export interface Time {
  what: string;
  milliseconds: number;
  /** Of it, what the flash chip was busy. */
  erases: number;
  programs: number;
  cycles: number;
  /** Of the board's supply while the core works; undefined: reads only. */
  millijoules: number;
  stackBytes?: number;
}

const board = readBoard(join(projectRoot, 'boards/rp2040_pico.board.json'));
const { power } = loadBoard().retune;
const REGION = board.flash.storeOffset;

function millijoulesOf(milliseconds: number, flashMilliseconds: number): number {
  const core = power.supplyVolts * power.activeMilliamps * milliseconds;
  return (core + power.supplyVolts * FLASH_MILLIAMPS * flashMilliseconds) / 1000;
}

/** The fullest that there is: 44 versions, all sectors taken, the log sector used to its end. */
async function fullRegion(): Promise<Uint8Array> {
  const store = await StoreBench.create();
  store.start();
  fillSlots(store);
  let key = KEY_SETTING;
  for (let room = store.room(); room > 0; room = store.room()) {
    put(store, key++, Buffer.alloc(Math.min(room, 9000), key));
  }
  while (store.put(key, Buffer.alloc(40, key)) === OK) key++;
  while (store.stats().logEntries !== 64) put(store, KEY_SETTING, Buffer.alloc(40));
  return store.region();
}

/** Functions that only read, with what the flash cache would miss. */
async function readingTimes(region: Uint8Array): Promise<Time[]> {
  const output = join(scratchFolder('bench-store'), 'chip.elf');
  const flags = ['-O2', '-fno-unroll-loops', '-ffreestanding', '-Inative', '-Inative/engine'];
  const sources = [...STORE, 'native/hal/libc.c', 'bench/store/chip.c'];
  buildImage({ sources, output, flags });
  const time = (what: string, bytes: Uint8Array, name: string, args: number[]): Time => {
    const machine = Rp2040Machine.load(output, { xip: true });
    machine.chip.flash.set(bytes, REGION);
    if (name !== 'rt_store_init') machine.call('rt_store_init');
    const scratch = machine.allocate(16);
    const before = machine.xipMisses;
    const call = machine.call(name, [...args, scratch, scratch + 4]);
    if (call.result !== OK) throw new Error(`bench: ${name} answers ${call.result}`);
    const cycles = call.cycles + (machine.xipMisses - before) * MISS_CYCLES;
    const milliseconds = (1000 * cycles) / board.clockHz!;
    const { stackBytes } = call;
    const millijoules = millijoulesOf(milliseconds, 0);
    return { what, milliseconds, erases: 0, programs: 0, cycles, millijoules, stackBytes };
  };
  const blank = new Uint8Array(region.length).fill(0xff);
  return [
    time('mount of an empty store', blank, 'rt_store_init', []),
    time('mount of a full store', region, 'rt_store_init', []),
    time(`read of an adapter of ${DIGITS_BYTES} bytes`, region, 'rt_store_get', [KEY_ADAPTER + 3]),
  ];
}

/** The whole board, flash chip and all. */
class Board {
  private readonly machine: Rp2040Board;

  static async create(region: Uint8Array): Promise<Board> {
    const hal = cFiles('native/hal/rp2040').filter((file) => !file.endsWith('/main.c'));
    const sources = [...hal, ...STORE, 'native/hal/libc.c', 'bench/store/board.c'];
    const outDir = scratchFolder('bench-store-board');
    const firmware = await buildFirmware({ board, modules: [], sources, outDir });
    return new Board(await bootRom(), firmware, region);
  }

  private constructor(
    rom: Uint32Array,
    private readonly firmware: Awaited<ReturnType<typeof buildFirmware>>,
    region: Uint8Array,
  ) {
    this.machine = new Rp2040Board({ rom, image: firmware.image });
    let said = '';
    this.machine.onUart = (byte) => (said += String.fromCharCode(byte));
    this.machine.flash.data.set(region, REGION);
    if (!this.machine.runUntil(() => said.includes('up\n'), 200_000_000)) {
      throw new Error(`bench: the firmware says ${JSON.stringify(said)}`);
    }
    this.call('rt_store_init');
  }

  private address(name: string): number {
    const symbol = this.firmware.symbols.get(name);
    if (symbol === undefined) throw new Error(`the image has no ${name}`);
    return symbol.address;
  }

  private invoke(name: string, ...args: number[]): number {
    return (this.machine.invoke(this.address(name), ...args) ?? NaN) | 0;
  }

  private call(name: string, ...args: number[]): void {
    const result = this.invoke(name, ...args);
    if (result !== OK) throw new Error(`bench: ${name} answers ${result}`);
  }

  /** Most stack since the start, in bytes: main's and the interrupts' too. */
  get stackBytes(): number {
    return this.invoke('rt_hal_stack_used_bytes');
  }

  private counted(what: string, work: () => void): Time {
    const { machine } = this;
    const counts = { program: 0, erase: 0 };
    machine.flash.onOperation = ({ kind }) => (counts[kind] += 1);
    const [nanos, cycles] = [machine.nanos, machine.cycles];
    work();
    const milliseconds = (machine.nanos - nanos) / 1e6;
    const flashMilliseconds = 45 * counts.erase + 0.4 * counts.program;
    return {
      ...{ what, milliseconds, erases: counts.erase, programs: counts.program },
      cycles: machine.cycles - cycles,
      millijoules: millijoulesOf(milliseconds, flashMilliseconds),
    };
  }

  put(what: string, key: number, bytes: Uint8Array): Time {
    const shared = this.address('shared');
    const at = shared + 8;
    const sram = this.machine.chip.sram;
    sram.set(bytes, at - 0x20000000);
    sram.set(new Uint8Array(Uint32Array.of(at, bytes.length).buffer), shared - 0x20000000);
    return this.counted(what, () => this.call('rt_store_put', key, shared, 1));
  }

  rollBack = (what: string, key: number): Time =>
    this.counted(what, () => this.call('rt_store_roll_back', key));
}

/** A store whose next save of an adapter takes longest: it moves another record too. */
async function dearestRegion(): Promise<Uint8Array> {
  const store = await StoreBench.create();
  store.start();
  fillSlots(store);
  let [dearest, most] = [store.region(), 0];
  for (let i = 0; i < 2000; i++) {
    const before = store.region();
    store.call('test_clear_counts');
    put(store, KEY_ADAPTER, Buffer.alloc(DIGITS_BYTES, i));
    const time = 45 * store.call('test_erases') + 0.4 * store.call('test_programs');
    if (time > most) [dearest, most] = [before, time];
  }
  return dearest;
}

async function writingTimes(): Promise<Time[]> {
  const store = await StoreBench.create();
  store.start();
  fillSlots(store);
  const onBoard = await Board.create(store.region());
  const adapter = Buffer.alloc(DIGITS_BYTES, 0x5a);
  const first = onBoard.put('(first write after the start)', KEY_ADAPTER, adapter);
  if (first.erases > 2) throw new Error(`bench: ${first.erases} erases for a save`);
  const times = [
    onBoard.put(`save of an adapter of ${DIGITS_BYTES} bytes`, KEY_ADAPTER, adapter),
    onBoard.put('setting of 8 bytes', KEY_SETTING, adapter.subarray(0, 8)),
    onBoard.rollBack('rolling back', KEY_ADAPTER),
  ];
  // until one of them writes the log anew
  for (let i = 0; i < 64; i++) {
    const time = onBoard.put(
      'setting of 8 bytes, log written anew',
      KEY_SETTING,
      adapter.subarray(0, 8),
    );
    if (time.erases === 0) continue;
    const dear = await Board.create(await dearestRegion());
    const dearest = dear.put('the dearest save: another record moved', KEY_ADAPTER, adapter);
    return [...times, time, { ...dearest, stackBytes: dear.stackBytes }];
  }
  throw new Error('bench: the log does not come to its end');
}

// ---- reports ----

export interface StoreReport {
  rates: Rate[];
  times: Time[];
}

export async function measureStore(): Promise<StoreReport> {
  const rates: Rate[] = [];
  for (const work of WORKS) rates.push(await rateOf(work));
  const times = [...(await readingTimes(await fullRegion())), ...(await writingTimes())];
  return { rates, times };
}

const grouped = (value: number): string => Math.round(value).toLocaleString('en-US');
const years = (saves: number, aDay: number): string => {
  const count = saves / aDay / DAYS;
  return count >= 10 ? grouped(count) : count.toFixed(1);
};

const RATE_HEAD = [
  ...['what is saved', 'bytes', 'erases a save', 'pages a save', 'bytes a save', 'times its bytes'],
  ...['erases of sectors', 'saves of life', ...SAVES_A_DAY.map((n) => `years at ${n} a day`)],
];

const rateCells = (rate: Rate): string[] => [
  rate.what,
  grouped(rate.bytes),
  rate.erasesPerSave.toFixed(3),
  rate.programsPerSave.toFixed(2),
  grouped(rate.bytesPerSave),
  rate.amplification.toFixed(2),
  rate.spread.join(' to '),
  grouped(rate.savesOfLife),
  ...SAVES_A_DAY.map((n) => years(rate.savesOfLife, n)),
];

const TIME_HEAD = ['what', 'ms', 'erases', 'programs', 'cycles', 'mJ', 'stack'];

const timeCells = (time: Time): string[] => [
  time.what,
  time.milliseconds.toFixed(2),
  String(time.erases),
  String(time.programs),
  grouped(time.cycles),
  time.millijoules.toFixed(2),
  time.stackBytes === undefined ? '' : `${time.stackBytes} B`,
];

function printTable(head: string[], rows: string[][]): string {
  const table = new Table({ head, style: { head: [], border: [], compact: true } });
  table.push(...rows);
  return table.toString();
}

const markdown = (head: string[], rows: string[][]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const PAGE = join(projectRoot, 'docs/store.md');
const MARKS = ['<!-- figures: bench/store.ts --write -->', '<!-- end of figures -->'] as const;

async function writePage({ rates, times }: StoreReport): Promise<void> {
  const tables = [
    markdown(RATE_HEAD, rates.map(rateCells)),
    markdown(TIME_HEAD, times.map(timeCells)),
  ];
  await writeBetween(PAGE, MARKS, tables.join('\n\n'));
}

function findBroken({ rates, times }: StoreReport): string[] {
  const broken: string[] = [];
  for (const { what, milliseconds } of times) {
    if (what.startsWith('mount') && milliseconds > MOUNT_MOST_MS) {
      broken.push(`${what} takes ${milliseconds.toFixed(1)} ms, over ${MOUNT_MOST_MS}`);
    }
  }
  for (const { what, spread } of rates) {
    const [least, most] = spread;
    if (most - least > 32) broken.push(`${what}: sectors are erased ${least} to ${most} times`);
  }
  return broken;
}

export interface StoreBenchOptions {
  json?: boolean;
  check?: boolean;
  write?: boolean;
}

/** `retune bench store`. Throws RetuneError when a bound does not hold. */
export async function runStoreBench(options: StoreBenchOptions = {}): Promise<void> {
  const report = await measureStore();
  if (options.json) console.log(JSON.stringify(report, null, 2));
  else {
    console.log(printTable(RATE_HEAD, report.rates.map(rateCells)));
    console.log(printTable(TIME_HEAD, report.times.map(timeCells)));
  }
  if (options.write) await writePage(report);
  const broken = findBroken(report);
  if (broken.length > 0) throw new RetuneError(`bench: ${broken.join('; ')}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const flag = { type: 'boolean' } as const;
  const { values } = parseArgs({ options: { json: flag, check: flag, write: flag } });
  await runStoreBench(values).catch((error: unknown) => {
    if (!(error instanceof RetuneError)) throw error;
    console.error(`retune: ${error.message}`);
    process.exitCode = 1;
  });
}
