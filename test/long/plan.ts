/** What happens around a board in a long run: who talks when, and what goes wrong. */
import { DELIVERIES, type DeliveryKind } from './deliveries.ts';
import type { SoundFault } from '../../sim/faults.ts';
import { FAULT_KINDS } from '../../sim/faults.ts';
import type { Random } from '../../sim/random.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** Something that happens to the board, whatever it is doing. Times in milliseconds. */
export type Happening = { at: number } & (
  | { kind: 'talk'; speaker: string; length: number; walksAway: boolean }
  | { kind: 'noise'; level: number; length: number }
  | { kind: 'fault'; fault: SoundFault; length: number }
  | { kind: 'cut'; off: number }
  | { kind: 'link noise'; bytes: number }
  | { kind: 'bit flips'; count: number }
  | { kind: 'full flash'; length: number }
  | { kind: 'delta'; delivery: DeliveryKind; cutAfter?: number }
  | { kind: 'charge'; to: number }
);

/** The owner's voice from morning to morning: as ever, with a cold, hoarse. */
export const OWNER = ['owner', 'owner with a cold', 'hoarse owner'] as const;
export const INSTALLER = 'installer';
export const VISITOR = 'visitor';

/** Level of a room in which nothing is on, and that of a fan, in dB below full scale. */
export const QUIET_ROOM = -72;
const FAN = [-62, -50, -40];

/** The battery at the start; it is charged again now and then, once it has run low. */
export const FIRST_CHARGE = 0.42;
const CHARGED_EVERY_DAYS = 3.6;

/** A transfer whose power is cut is cut within this. */
const LONGEST_TRANSFER_MS = 1500;

const FIRST_HOUR = 7;
const LAST_HOUR = 23;

/** Draws what happens in so many days, in order. */
export function planDays(days: number, random: Random): Happening[] {
  const happenings: Happening[] = [];
  for (let day = 0; day < days; day++) {
    happenings.push(...talkOf(day, random), ...faultsOf(day, random), ...troublesOf(day, random));
  }
  for (let day = 0.8; day < days; day += CHARGED_EVERY_DAYS) {
    happenings.push({ kind: 'charge', at: day * DAY_MS, to: 1 });
  }
  return happenings.filter(({ at }) => at < days * DAY_MS).sort((a, b) => a.at - b.at);
}

/** The first hours belong to who sets the board up; from then on it is the owner's. */
function talkOf(day: number, random: Random): Happening[] {
  const talks: Happening[] = [];
  const begin = day * DAY_MS;
  if (day === 0) {
    talks.push({ ...talk(begin + 5 * MINUTE_MS, INSTALLER, random), walksAway: false });
    for (const minute of [20, 35, 60, 80]) {
      talks.push({ ...talk(begin + minute * MINUTE_MS, OWNER[0], random), walksAway: false });
    }
  }
  const voice = OWNER[day % OWNER.length] as string;
  for (let hour = FIRST_HOUR; hour < LAST_HOUR; hour++) {
    if (random.below(100) < 25) continue;
    const at = begin + hour * HOUR_MS + random.below(HOUR_MS);
    const speaker = random.below(100) < 8 ? VISITOR : voice;
    talks.push(talk(at, speaker, random));
  }
  return talks;
}

function talk(at: number, speaker: string, random: Random): Happening & { kind: 'talk' } {
  const length = 40_000 + random.below(80_000);
  return { kind: 'talk', at, speaker, length, walksAway: random.below(100) < 10 };
}

/** Every kind of fault on some day, three a day, by day, when people talk. */
function faultsOf(day: number, random: Random): Happening[] {
  const happenings: Happening[] = [];
  for (let n = 0; n < 3; n++) {
    const kind = FAULT_KINDS[(3 * day + n) % FAULT_KINDS.length] as SoundFault['kind'];
    const hour = 8 + 5 * n + random.below(3);
    const at = day * DAY_MS + hour * HOUR_MS + random.below(HOUR_MS);
    const length = (10 + random.below(100)) * MINUTE_MS;
    happenings.push({ kind: 'fault', at, fault: drawFault(kind, random), length });
  }
  return happenings;
}

function drawFault(kind: SoundFault['kind'], random: Random): SoundFault {
  switch (kind) {
    case 'stuck':
      return { kind, value: [32767, -32768, 9000, -20000][random.below(4)] as number };
    case 'square':
      return { kind, hertz: 40 + random.below(1500) };
    case 'saturated':
      return { kind, gain: 30 + random.below(60) };
    case 'offset':
      return { kind, value: (random.below(2) === 0 ? -1 : 1) * (800 + random.below(4000)) };
    default:
      return { kind };
  }
}

/** Power cuts, noise in room and link, and what happens to the flash. */
function troublesOf(day: number, random: Random): Happening[] {
  const begin = day * DAY_MS;
  const sometime = (): number => begin + random.below(DAY_MS);
  const happenings: Happening[] = [
    { kind: 'noise', at: sometime(), level: FAN[day % FAN.length] as number, length: HOUR_MS },
    { kind: 'link noise', at: sometime(), bytes: 200 + random.below(5000) },
    { kind: 'link noise', at: sometime(), bytes: 1 + random.below(200) },
  ];
  for (let n = random.below(4); n > 0; n--) {
    happenings.push({ kind: 'cut', at: sometime(), off: 1 + random.below(10 * MINUTE_MS) });
  }
  for (const hour of [6, 18]) {
    const isGood = hour === 18 && day % 2 === 0;
    const index = isGood ? 0 : 1 + random.below(DELIVERIES.length - 1);
    happenings.push({
      kind: 'delta',
      at: begin + hour * HOUR_MS + random.below(HOUR_MS),
      delivery: DELIVERIES[index] as DeliveryKind,
      cutAfter: random.below(100) < 40 ? random.below(LONGEST_TRANSFER_MS) : undefined,
    });
  }
  if (day % 3 === 2) happenings.push({ kind: 'bit flips', at: sometime(), count: 1 });
  if (day % 7 === 3) happenings.push({ kind: 'full flash', at: sometime(), length: DAY_MS });
  return happenings;
}
