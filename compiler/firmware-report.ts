/** Where the flash and the RAM of a firmware go, by room: from the linker's map. */
import type { Board } from './board.ts';
import type { Elf } from './elf.ts';
import { textTable } from './report.ts';

export interface RoomSize {
  flash: number;
  /** Variables; without heap and arena. */
  ram: number;
  /** Functions that run from RAM. */
  code: number;
}

export interface FirmwareReport {
  flash: { firmware: number; model: number; total: number };
  /** `code`: functions that run from RAM, not counted among the variables. */
  ram: {
    code: number;
    static: number;
    heap: number;
    arena: number;
    stack: number;
    free: number;
  };
  rooms: Record<string, RoomSize>;
}

const MODEL = 'model';

interface Piece {
  address: number;
  loadAddress: number;
  size: number;
  object: string;
  section: string;
}

/** Lines of lld's map that tell of an input section: addresses, size, alignment, object, section. */
function pieces(map: string): Piece[] {
  const found: Piece[] = [];
  for (const line of map.split('\n')) {
    const match = /^\s*([0-9a-f]+)\s+([0-9a-f]+)\s+([0-9a-f]+)\s+\d+\s+(\S.*):\(([^)]*)\)$/.exec(
      line,
    );
    if (!match) continue;
    const [, address = '', load = '', size = '', object = '', section = ''] = match;
    found.push({
      address: parseInt(address, 16),
      loadAddress: parseInt(load, 16),
      size: parseInt(size, 16),
      object,
      section,
    });
  }
  return found;
}

/** Objects are named after their source, `native-vm-heap.o`. */
function roomOf(object: string): string {
  const name = /([^/\\]+)\.o\)?$/.exec(object)?.[1] ?? '';
  if (name.endsWith('-model')) return MODEL;
  if (/-(board|modules|program)$/.test(name)) return 'board';
  const room = /^native-(hal|vm|bus|services|firmware|engine|dsp|store|libm)-/.exec(name)?.[1];
  return room ?? 'compiler run-time';
}

const isFlash = (address: number): boolean => address >= 0x10000000 && address < 0x20000000;
const isRam = (address: number): boolean => address >= 0x20000000;
const isRamCode = ({ address, section }: Piece): boolean =>
  isRam(address) && section.startsWith('.ramcode');

export function firmwareReport(
  elf: Elf,
  map: string,
  flashBytes: number,
  board: Board,
): FirmwareReport {
  const section = (name: string): number => elf.sections.find((s) => s.name === name)?.size ?? 0;
  const rooms: Record<string, RoomSize> = {};
  let model = 0;
  let code = 0;
  for (const piece of pieces(map)) {
    if (piece.size === 0) continue;
    const room = roomOf(piece.object);
    const size = (rooms[room] ??= { flash: 0, ram: 0, code: 0 });
    const isInFlash = isFlash(piece.address) || isFlash(piece.loadAddress);
    if (isInFlash) size.flash += piece.size;
    if (isInFlash && room === MODEL) model += piece.size;
    if (isRamCode(piece)) {
      size.code += piece.size;
      code += piece.size;
    } else if (isRam(piece.address) && !/^\.bss\.rt_(arena|heap$)/.test(piece.section)) {
      size.ram += piece.size;
    }
  }
  const heap = section('.heap');
  const pinned = section('.pinned_arena');
  const arena = section('.arena');
  const symbol = (name: string): number => elf.symbols.get(name)?.address ?? 0;
  const stack = symbol('__stack_top') - symbol('__stack_bottom');
  const used = (elf.symbols.get('__free_start')?.address ?? 0x20000000) - 0x20000000;
  return {
    flash: { firmware: flashBytes - model, model, total: flashBytes },
    ram: {
      code,
      static: used - heap - arena - code,
      heap,
      arena: arena + pinned,
      stack,
      free: board.ramBytes - used - stack - pinned,
    },
    rooms: Object.fromEntries(Object.entries(rooms).sort(([, a], [, b]) => b.flash - a.flash)),
  };
}

const bytes = (count: number): string => count.toLocaleString('en-US');

/** For the terminal. */
export function firmwareText({ flash, ram, rooms }: FirmwareReport, board: Board): string {
  const rows = Object.entries(rooms).map(([name, size]) => [
    name,
    bytes(size.flash),
    bytes(size.ram),
    bytes(size.code),
  ]);
  rows.push(['total', bytes(flash.total), bytes(ram.static), bytes(ram.code)]);
  const memory = Object.entries(ram).map(([name, count]) => [name, bytes(count)]);
  return [
    `Firmware for ${board.name}`,
    textTable(['room', 'flash bytes', 'static RAM bytes', 'code in RAM'], rows, [1, 2, 3]),
    textTable(['RAM', 'bytes'], memory, [1]),
  ].join('\n');
}
