/** The tools' side of service deploy, packet by packet. */
import { signOwner, type OwnerStatement } from '../../fleet/program.ts';
import { parseTrust, type Trust } from '../../fleet/owner.ts';
import type { KeyObject } from 'node:crypto';
import { ACK_WANTED, COMMAND, Node, OWN_ID, type Packet } from './node.ts';
import { escape, frameOf, idText, packetsOf } from './wire.ts';

/** rt_trust_answer_t of native/store/trust.h. */
export const ANSWER = {
  ok: 0,
  unsupported: 1,
  format: 2,
  unclaimed: 3,
  owned: 4,
  builtIn: 5,
  device: 6,
  challenge: 7,
  signature: 8,
  counter: 9,
  damaged: 11,
  size: 12,
  hash: 13,
  permit: 14,
  link: 16,
  busy: 17,
} as const;

export const DEPLOY = 1;
export const PIPE = 0x3e;
export const CHUNK = 224;
export const NONE: Uint8Array = new Uint8Array(0);
/** Of test/bus/shim.c. */
export const REGION = 4096;
export const REGION_BYTES = 16384;
export const HALF = REGION_BYTES / 2;
export const HEADER = 256;
export const STORE = 20480;
export const DEVICE = idText(OWN_ID);

const COMMAND_STATEMENT = 0x90;
const ACK = 0x3f;

/** Bytes that look like nothing. */
export function program(bytes: number, seed = 1): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length: bytes }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}

export function u32(number: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(number).buffer);
}

/** Sends a command as the tools do, and gives back what came. */
export function ask(node: Node, index: number, code: number, payload = NONE): Packet[] {
  const flags = COMMAND | (index === PIPE ? ACK_WANTED : 0);
  const command = { device: OWN_ID, command: code, flags, index, payload };
  node.takeSent();
  node.receive(escape(frameOf(command)));
  node.run(node.now + 1000);
  return packetsOf(node.takeSent());
}

export function answer(node: Node, code: number, payload = NONE): Uint8Array {
  const found = ask(node, DEPLOY, code, payload).find((p) => p.index === DEPLOY);
  if (found?.command !== code) throw new Error(`no answer to ${code.toString(16)}`);
  return found.payload;
}

/** @returns the pipe's port; 0: refused */
export function openPipe(node: Node, bytes: number): number {
  const port = answer(node, 0x80, u32(bytes));
  return (port[0] ?? 0) | ((port[1] ?? 0) << 8);
}

export interface DeployOptions {
  /** Sends each packet so often. */
  repeat?: number;
  /** Instead of the program's bytes. */
  announced?: number;
  /** Without the packet that closes the pipe. */
  isCut?: boolean;
}

/** Sends a program the way OutPipe of jacdac-ts does. @returns whether it was let in */
export function deploy(
  node: Node,
  image: Uint8Array,
  { repeat = 1, announced = image.length, isCut = false }: DeployOptions = {},
): boolean {
  const port = openPipe(node, announced);
  if (port === 0) return false;
  const packets: [number, Uint8Array][] = [];
  for (let at = 0; at < image.length; at += CHUNK)
    packets.push([0, image.subarray(at, at + CHUNK)]);
  if (!isCut) packets.push([0x20, NONE]);
  packets.forEach(([flags, data], counter) => {
    for (let i = 0; i < repeat; i++) {
      const sent = ask(node, PIPE, (port << 7) | flags | (counter & 31), data);
      const acks = sent.filter(({ index }) => index === ACK).length;
      if (acks !== 1) throw new Error(`${acks} acknowledgements`);
    }
  });
  return true;
}

/** After a false signature the board looks at no other for so long. */
export const PAUSE_US = 1_000_000;

/** rt_trust_answer_t of a statement; @param pause microseconds to wait before it */
export function state(node: Node, statement: Uint8Array, pause = PAUSE_US): number {
  node.run(node.now + pause);
  return answer(node, COMMAND_STATEMENT, statement)[0] ?? -1;
}

export const trust = (node: Node): Trust => parseTrust(answer(node, 0x1190));

export const result = (node: Node): number => answer(node, 0x1191)[0] ?? -1;

/** What the owner tells, for this device and this moment unless said otherwise. */
export function tell(
  node: Node,
  key: KeyObject,
  statement: Partial<OwnerStatement> & Pick<OwnerStatement, 'act'>,
): number {
  const { challenge } = trust(node);
  return state(node, signOwner({ device: DEVICE, challenge, ...statement }, key));
}

export const setRegister = (node: Node, code: number, value: number): void =>
  void ask(node, DEPLOY, 0x2000 | code, Uint8Array.of(value));

export class PowerCut extends Error {}

/** What an operation of the flash leaves that the power was cut in. */
export type Outcome = (flash: Uint8Array, operation: 'erase' | 'program', offset: number) => void;

/**
 * Does `work` on a board that loses power at the nth flash operation.
 * @returns the flash then; undefined when there are not so many operations
 */
export function cutAt(
  node: Node,
  nth: number,
  outcome: Outcome,
  work: () => void,
): Uint8Array | undefined {
  let operations = 0;
  node.onFlash = (operation, offset) => {
    if (++operations < nth) return;
    outcome(node.flash, operation, offset);
    throw new PowerCut();
  };
  try {
    work();
  } catch (error) {
    if (!(error instanceof PowerCut)) throw error;
    return node.flash.slice();
  } finally {
    node.onFlash = () => undefined;
  }
  return undefined;
}

/** Nothing done; half done; half done with other bits changed. */
export const OUTCOMES: Record<string, Outcome> = {
  'nothing done': () => undefined,
  'half done': (flash, operation, offset) => {
    if (operation === 'erase') flash.fill(0xff, offset, offset + 2048);
    else flash.fill(0, offset + 100, offset + 130);
  },
  garbage: (flash, operation, offset) => {
    const size = operation === 'erase' ? 4096 : 256;
    program(size, offset).forEach((byte, i) => {
      const old = flash[offset + i] as number;
      flash[offset + i] = operation === 'erase' ? old | byte : old & byte;
    });
  },
};
