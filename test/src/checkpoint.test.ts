import { beforeAll, describe, expect, it } from 'vitest';
import { runOnVm } from './vm.ts';

const PROGRAM = `
import { Checkpoint, loadNewest, NO_SLOT } from 'lib/checkpoint';

const policy = new Checkpoint({ slots: 3, minGain: 0.5, minIntervalMs: 1000 });
console.log(policy.due(0), policy.slotToWrite(), policy.lastGood() === NO_SLOT);
policy.improved(0.5);
console.log(policy.due(0));
policy.improved(0.1);
console.log(policy.due(0));
policy.saved(policy.slotToWrite(), 100);
console.log(policy.lastGood(), policy.slotToWrite(), policy.due(5000));
policy.improved(9);
console.log(policy.due(1099), policy.due(1100));
policy.saved(1, 1100);
policy.saved(policy.slotToWrite(), 2200);
console.log(policy.lastGood(), policy.slotToWrite());
console.log(policy.bootOrder(0).join(), policy.bootOrder(2).join(), policy.bootOrder(NO_SLOT).join());

// A power cut damages the slot that is being written, in every order of slots.
async function bootAfterCut(newest: number) {
  const boot = new Checkpoint({ slots: 3 });
  const tried: number[] = [];
  const slot = await loadNewest(boot, newest, async candidate => {
    await ds.sleep(1);
    tried.push(candidate);
    return candidate !== newest;
  });
  console.log(tried.join(), slot, boot.lastGood(), boot.slotToWrite());
}
for (let newest = 0; newest < 3; newest++) await bootAfterCut(newest);
const worn = new Checkpoint({ slots: 3, minIntervalMs: 1000 });
worn.improved(1);
worn.saved(0, 0);
worn.improved(1);
worn.failed(1, 5000);
console.log(worn.due(5999), worn.due(6000), worn.slotToWrite(), worn.lastGood());
worn.failed(2, 6000);
console.log(worn.slotToWrite(), worn.lastGood(), new Checkpoint({ slots: 2 }).slotToWrite());
console.log(worn.due(7999), worn.due(8000));
worn.failed(0, 8000);
console.log(worn.due(11999), worn.due(12000), worn.slotToWrite());
worn.saved(1, 12000);
worn.improved(1);
console.log(worn.due(12999), worn.due(13000), worn.slotToWrite(), worn.lastGood());
const empty = new Checkpoint({});
console.log(await loadNewest(empty, NO_SLOT, async slot => false), empty.slotToWrite(), empty.bootOrder(1).join());
`;

describe('checkpoint policy on the official VM', () => {
  let lines: string[] = [];
  beforeAll(async () => {
    lines = await runOnVm('checkpoint', PROGRAM);
  });

  it('writes only what gained enough', () => {
    expect(lines.slice(0, 3)).toEqual(['false 0 true', 'false', 'true']);
  });

  it('waits between writes, and has nothing to write after one', () => {
    expect(lines.slice(3, 5)).toEqual(['0 1 false', 'false true']);
  });

  it('goes round the slots and never writes over the last good one', () => {
    expect(lines[5]).toBe('2 0');
  });

  it('tries the newest slot first, then older ones', () => {
    expect(lines[6]).toBe('0,2,1 2,1,0 0,2,1');
  });

  it('falls back to the slot before when the newest is damaged, and writes elsewhere', () => {
    expect(lines.slice(7, 10)).toEqual(['0,2 2 2 0', '1,0 0 0 1', '2,1 1 1 2']);
  });

  it('waits after a failed write, and tries the other slots before the good one', () => {
    expect(lines.slice(10, 12)).toEqual(['false true 2 0', '0 0 0']);
  });

  it('waits twice as long after each further failure, and as ever after a success', () => {
    expect(lines.slice(12, 15)).toEqual(['false true', 'false true 1', 'false true 2 1']);
  });

  it('starts from the base model when no slot is good', () => {
    expect(lines[15]).toBe('255 0 1,0');
  });
});
