/** Boards of the simulator with the delta service, at the end of a link in virtual time. */
import type { OpenBoardLink } from '../../fleet/board-link.ts';
import { compileServices, type Program, type ServiceSpec } from '../../sim/compile.ts';
import type { Flash } from '../../sim/machine.ts';
import { createRoom, type RoomOptions } from '../../sim/room.ts';
import type { Target } from '../../sim/targets.ts';
import type { World } from '../../sim/world.ts';

/** Compiling them takes a while. */
let services: Promise<ServiceSpec[]> | undefined;

interface BoardOptions extends RoomOptions {
  /** Default: no script. */
  program?: Program;
  onLog?: (level: string, text: string) => void;
}

/** A board that is switched on. */
export async function startBoard(
  target: Target,
  flash: Flash,
  options: BoardOptions = {},
): Promise<World> {
  const onFrame = (frame: Uint8Array): void => listeners.get(world)?.(frame);
  const { world, start } = await createRoom({
    ...options,
    target,
    flash,
    program: options.program ?? { services: await (services ??= compileServices()) },
    print: () => undefined,
    onFrame,
  });
  await start();
  return world;
}

const listeners = new WeakMap<World, (frame: Uint8Array) => void>();

/** The computer's end of the board's link. */
export function linkTo(world: World): OpenBoardLink {
  return (onFrame) => {
    let frames = 0;
    listeners.set(world, (frame) => {
      frames++;
      onFrame(frame);
    });
    return Promise.resolve({
      now: () => world.clock.now,
      send: (frame) => world.board.receive(frame),
      wait: async (ms) => {
        const end = world.clock.now + ms;
        for (const before = frames; frames === before && world.clock.now < end;) {
          await world.step(end);
        }
      },
      close: () => listeners.delete(world),
    });
  };
}
