/**
 * The way to a board for what the desktop sends it: a serial port (USB or UART), the hub of the
 * official tools, or a simulated board with its flash in a file.
 */
import { existsSync, readFileSync } from 'node:fs';
import { RetuneError } from '../cli/error.ts';
import { writeResult } from '../cli/writable.ts';
import type { Chip } from '../sim/chip.ts';
import { hubTransport, type OpenTransport, serialTransport } from '../sim/deploy.ts';
import { BOARD_DEVICE } from '../sim/firmware-board.ts';
import { HUB_PORT } from '../sim/hub.ts';
import { placeLearner } from '../sim/learner-setup.ts';
import { consoleLine, escapeFrame, LinkReader } from '../sim/link.ts';
import { DEFAULT_MODEL } from '../sim/model-engine.ts';
import { WasmChip } from '../sim/wasm-chip.ts';

export interface BoardLink {
  /** A frame to the board. */
  send: (frame: Uint8Array) => void;
  /** Milliseconds, of whatever time the board lives in. */
  now: () => number;
  /** Lets so many milliseconds pass at most; ends early when frames have come. */
  wait: (ms: number) => Promise<void>;
  close: () => void;
}

export type OpenBoardLink = (onFrame: (frame: Uint8Array) => void) => Promise<BoardLink>;

export const SIMULATED_TARGETS = ['wasm', 'rp2040'] as const;
export type SimulatedTarget = (typeof SIMULATED_TARGETS)[number];

export interface LinkOptions {
  /** A serial port with the board at its end; default: the hub of `devs devtools`. */
  serial?: string;
  /** TCP port of the hub. */
  port?: number;
  /** A simulated board instead, */
  target?: SimulatedTarget;
  /** its flash, which is kept in this file; without, it begins erased and is forgotten, */
  flash?: string;
  /** and its model, a .tflite. */
  model?: string;
  print?: (line: string) => void;
}

/** How to reach the board that a command line names. */
export function boardLink(options: LinkOptions): OpenBoardLink {
  const print = options.print ?? ((line) => void process.stderr.write(`${line}\n`));
  if (options.target !== undefined) {
    if (options.serial !== undefined || options.port !== undefined) {
      throw new RetuneError(`--target ${options.target}: drop --serial and --port`);
    }
    return simulatedLink({ ...options, print }, options.target);
  }
  if (options.flash !== undefined) {
    throw new RetuneError(`--flash ${options.flash}: only a simulated board has one; add --target`);
  }
  const { serial, port } = options;
  return overTransport(
    serial === undefined ? hubTransport(port ?? HUB_PORT) : serialTransport(serial, print),
  );
}

/** Real time over a transport. */
export function overTransport(open: OpenTransport): OpenBoardLink {
  return async (onFrame) => {
    let wake = (): void => undefined;
    const transport = await open((frame) => {
      onFrame(frame);
      wake();
    });
    return {
      send: (frame) => transport.send(frame),
      now: () => performance.now(),
      wait: (ms) =>
        new Promise((resolve) => {
          const timer = setTimeout(resolve, ms);
          wake = (): void => {
            clearTimeout(timer);
            resolve();
          };
        }),
      close: () => transport.close(),
    };
  };
}

/** Starts a chip, afresh or after a reset with the flash as it was. */
type StartChip = (flash?: Uint8Array, cause?: 'software' | 'watchdog') => Promise<Chip>;

function simulatedLink(options: LinkOptions, target: SimulatedTarget): OpenBoardLink {
  return async (onFrame) => {
    const { flash, print } = options;
    const content = flash === undefined ? undefined : readFlash(flash);
    const start = await chipStarter(target, options.model ?? DEFAULT_MODEL);
    const link = await linkToChip(start, { onFrame, content, print });
    return {
      ...link,
      close: () => {
        if (flash !== undefined) writeResult(flash, link.flash(), 'name another file with --flash');
      },
    };
  };
}

/** Of the simulated boards, and of a Pico. */
const FLASH_BYTES = 0x200000;

/** What a board's flash held the last time; undefined: there is no such file yet. */
function readFlash(file: string): Uint8Array | undefined {
  if (!existsSync(file)) return undefined;
  let content: Uint8Array;
  try {
    content = new Uint8Array(readFileSync(file));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new RetuneError(`${file}: cannot be read (${code}); name another file with --flash`);
  }
  if (content.length === FLASH_BYTES) return content;
  throw new RetuneError(
    `${file}: ${content.length} bytes are no flash of ${FLASH_BYTES}; name another file with --flash`,
  );
}

async function chipStarter(target: SimulatedTarget, model: string): Promise<StartChip> {
  const seed = { deviceId: BOARD_DEVICE, seed: 1 };
  if (target === 'wasm') {
    const prepare = placeLearner(model);
    return (flash, cause) => Promise.resolve(new WasmChip({ ...seed, prepare, flash, cause }));
  }
  const { Rp2040Chip } = await import('../sim/rp2040/chip.ts');
  return (flash, cause) => Rp2040Chip.create({ ...seed, model, takesDeltas: true, flash, cause });
}

interface ChipLinkOptions {
  onFrame: (frame: Uint8Array) => void;
  content?: Uint8Array;
  print?: (line: string) => void;
}

/** Between two looks at what a chip has sent. */
const SLICE_MS = 5;
/** Time is over when less is left: a chip counts in steps of its own and may not get nearer. */
export const TINY_MS = 0.01;

/** A chip in virtual time, which passes in `wait` alone. */
export async function linkToChip(
  start: StartChip,
  { onFrame, content, print }: ChipLinkOptions,
): Promise<BoardLink & { flash: () => Uint8Array }> {
  let chip = await start(content);
  let frames = 0;
  let past = 0; // milliseconds before the last reset
  const onLine = (line: string): void => {
    const { level, text } = consoleLine(line);
    if (level !== ' ') print?.(`${level} ${text}`);
  };
  const onText = (line: string): void => {
    if (chip.takeConsole === undefined) onLine(line);
  };
  const onEachFrame = (frame: Uint8Array): void => {
    frames++;
    onFrame(frame);
  };
  let reader = new LinkReader({ onFrame: onEachFrame, onText });
  return {
    send: (frame) => chip.receive(escapeFrame(frame)),
    now: () => past + chip.now,
    wait: async (ms) => {
      const before = frames;
      const end = past + chip.now + ms;
      while (end - past - chip.now > TINY_MS && frames === before) {
        chip.advance(Math.min(chip.now + SLICE_MS, end - past));
        reader.feed(chip.take());
        chip.takeConsole?.().forEach(onLine); // or it waits there and stops the chip
        if (chip.stop === 'reset' || chip.stop === 'watchdog') {
          const cause = chip.stop === 'reset' ? 'software' : 'watchdog';
          past += chip.now;
          chip = await start(chip.flash.slice(), cause);
          reader = new LinkReader({ onFrame: onEachFrame, onText });
        } else if (chip.stop !== undefined) throw new Error(`the board has stopped: ${chip.stop}`);
      }
    },
    flash: () => chip.flash.slice(),
    close: () => undefined,
  };
}
