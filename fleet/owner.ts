/** What a board says about its owner, and what its owner tells it: service 0x1134ea2b, `deploy`. */
import type { KeyObject } from 'node:crypto';
import { RetuneError } from '../cli/error.ts';
import type { OpenBoardLink } from './board-link.ts';
import { ServiceClient } from './client.ts';
import { fingerprint, publicKeyFrom, rawPublicKey } from './keys.ts';
import { type OwnerAct, signOwner } from './program.ts';

export const DEPLOY_SERVICE = { serviceClass: 0x1134ea2b, name: 'deploy' } as const;
export const COMMAND_STATEMENT = 0x90;
export const REGISTER_TRUST = 0x190;
export const REGISTER_RESULT = 0x191;

/** rt_trust_state_t. */
export const TRUST_STATES = ['unsupported', 'unclaimed', 'claimed', 'built in', 'damaged'] as const;
export type TrustState = (typeof TRUST_STATES)[number];

export interface Trust {
  state: TrustState;
  /** Programs need the owner's signature. */
  isLocked: boolean;
  /** The present program has one. */
  isSigned: boolean;
  /** No program with a lower one is taken; 0: any. */
  counter: number;
  /** Goes into the next statement of the owner. */
  challenge: Uint8Array;
  owner?: KeyObject;
}

/** The register's bytes (native/bus/deploy.h). */
export function parseTrust(bytes: Uint8Array): Trust {
  const data = Buffer.from(bytes);
  const state = TRUST_STATES[data[0] ?? 255];
  if ((data.length !== 16 && data.length !== 48) || state === undefined) {
    throw new RetuneError('the board says nothing about its owner; update its firmware');
  }
  return {
    state,
    isLocked: data[1] === 1,
    isSigned: data[2] === 1,
    counter: data.readUInt32LE(4),
    challenge: Uint8Array.from(data.subarray(8, 16)),
    owner: data.length === 48 ? publicKeyFrom(Uint8Array.from(data.subarray(16))) : undefined,
  };
}

/** The board looks at no other statement for a second after a false one. */
export const BUSY_ANSWER = 17;
export const BUSY_MS = 1100;
/** So often we try again then. */
export const BUSY_ATTEMPTS = 5;

/** rt_trust_answer_t: why a board refuses, and what to do. */
const REFUSALS: Record<number, string> = {
  1: 'its firmware cannot check signatures; build one with module delta or with "trust"',
  2: 'it does not understand the statement; update firmware and tools to the same version',
  3: 'it has no owner yet; claim it with `retune keys claim`',
  4: 'it has an owner already, who can give it away with `retune keys give`',
  5: 'its owner is built into the firmware; flash another one to change that',
  6: 'this was signed for another board',
  7: 'this was not signed for this moment; try again',
  8: 'its owner has not signed this; use the key that belongs to it (`retune keys status`)',
  9: 'this program is older than the one before; sign it again with a higher --counter',
  10: 'its store takes no record; is the flash worn out?',
  11: 'the record of its owner is damaged; erase the flash by BOOTSEL and claim it again',
  12: 'the program is larger than its place in flash, or not what was announced',
  13: 'other bytes arrived than were signed',
  14: 'it is locked, and takes only programs that its owner has signed; add --key',
  15: 'its flash cannot be written; is it worn out?',
  [BUSY_ANSWER]: 'it has just refused another statement; try again in a second',
  16: 'a transfer is under way, or has broken off; wait half a minute and try again',
};

const CHALLENGE_ANSWER = 7;

export function refusal(answer: number): string {
  return REFUSALS[answer] ?? `it answers ${answer}; update firmware and tools to the same version`;
}

/** A check of a signature takes a fifth of a second, and the board is deaf meanwhile. */
const STATEMENT_MS = 3000;

/** The owner's side of one board. */
export class OwnedBoard {
  private constructor(private readonly client: ServiceClient) {}

  static async connect(
    open: OpenBoardLink,
    options: { device?: string; timeout: number },
  ): Promise<OwnedBoard> {
    return new OwnedBoard(await ServiceClient.connect(open, DEPLOY_SERVICE, options));
  }

  get device(): string {
    return this.client.deviceId;
  }

  close(): void {
    this.client.close();
  }

  async trust(): Promise<Trust> {
    return parseTrust(await this.client.readRegister(REGISTER_TRUST));
  }

  /** Throws with the board's reason. */
  async tell(
    act: OwnerAct,
    privateKey: KeyObject,
    options: { lock?: boolean; newOwner?: KeyObject } = {},
  ): Promise<void> {
    const before = await this.trust();
    const { challenge } = before;
    const lock = options.lock ?? (act === 'claim' ? false : before.isLocked);
    const statement = signOwner(
      { ...options, act, lock, device: this.device, challenge },
      privateKey,
    );
    const answer = await this.send(statement);
    if (answer === 0) return;
    // Its first answer was lost, and it had done what was asked.
    const wanted = { lock, owner: rawPublicKey(options.newOwner ?? privateKey) };
    if (answer === CHALLENGE_ANSWER && isAs(await this.trust(), wanted)) return;
    throw new RetuneError(`device ${this.device} refuses: ${refusal(answer)}`);
  }

  /** A statement, once more if nothing comes back or another was refused just before. */
  async send(statement: Uint8Array): Promise<number> {
    const options = { againMs: STATEMENT_MS, attempts: 3 };
    for (let attempt = 1; ; attempt++) {
      const answer = (await this.client.call(COMMAND_STATEMENT, statement, options))[0] ?? 255;
      if (answer !== BUSY_ANSWER || attempt === BUSY_ATTEMPTS) return answer;
      await this.client.pause(BUSY_MS);
    }
  }
}

function isAs(trust: Trust, { lock, owner }: { lock: boolean; owner: Uint8Array }): boolean {
  const present = trust.owner === undefined ? [] : rawPublicKey(trust.owner);
  return trust.isLocked === lock && Buffer.compare(Uint8Array.from(present), owner) === 0;
}

/** One line about a board. */
export function trustText(device: string, trust: Trust): string {
  const { state, owner, isLocked, isSigned, counter } = trust;
  const whose = owner === undefined ? state : `${state} by ${fingerprint(rawPublicKey(owner))}`;
  const lock = isLocked ? 'locked' : 'open';
  const program = isSigned ? `a signed program, counter ${counter}` : 'no signed program';
  return `device ${device}: ${whose}; ${lock}; ${program}`;
}
