import { OfficialVm } from '../../sim/vm.ts';

/** How a program ended. */
export interface Run {
  /** Console lines, each with its level mark: `> text`. */
  lines: string[];
  /** `restart`, `panic 60002`, or `waiting` when it still had not ended at the time limit. */
  end: string;
}

const DEVICE_ID = '1d46a30eef48919f';

/** Virtual milliseconds after which a program that has not ended is stopped. */
export const TIME_LIMIT_MS = 60_000;

/** The same bytes in every run. */
function countingBytes(): (count: number) => Uint8Array {
  let next = 1;
  return (count) => Uint8Array.from({ length: count }, () => (next = (next * 73 + 41) & 0xff));
}

/** Runs an image on the official VM in virtual time. */
export async function runOfficial(image: Uint8Array): Promise<Run> {
  const lines: string[] = [];
  let end: string | undefined;
  let now = 0;
  const vm = await OfficialVm.boot({
    now: () => now,
    randomBytes: countingBytes(),
    deviceId: DEVICE_ID,
    onFrame: () => undefined,
    onFlash: () => undefined,
    onPanic: (code) => {
      end ??= code === 0 ? 'restart' : `panic ${code}`;
    },
    onLog: (level, text) => {
      if (end !== undefined || level === ' ') return;
      // what the VM says of itself before it starts the program
      if (level === '*' && text.startsWith('start: ')) lines.length = 0;
      else if (text !== 'RESTART requested' && !text.startsWith('program exited'))
        lines.push(`${level} ${text}`.trimEnd());
    },
  });
  vm.deploy(image);
  try {
    while (end === undefined && now < TIME_LIMIT_MS) now += Math.max(1, vm.process());
  } catch (error) {
    // the simulator reboots by leaving its process
    if ((error as { name?: string }).name !== 'ExitStatus') throw error;
    end = 'reboot';
  }
  return { lines, end: end ?? 'waiting' };
}
