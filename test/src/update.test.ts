import { beforeAll, describe, expect, it } from 'vitest';
import { runOnVm } from './vm.ts';

const PROGRAM = `
import { judge } from 'lib/update';

console.log(judge(10, 10, 1), judge(10, 10, 0.8), judge(10, 10, 0.79), judge(10, 10, 0));
console.log(judge(10, 5, 1), judge(10, 4, 1), judge(10, 4, 0), judge(10, 0, 0), judge(0, 0, 0));
console.log(judge(10, 10, 0.5, { good: 0.5 }), judge(10, 10, 0.49, { good: 0.5 }));
console.log(judge(10, 1, 1, { enough: 0 }), judge(10, 9, 1, { enough: 1 }));
`;

describe('update', () => {
  let lines: string[];
  beforeAll(async () => {
    lines = await runOnVm('update', PROGRAM);
  });

  it('keeps what is right often enough, takes back what is not', () => {
    expect(lines[0]).toBe('keep keep revert revert');
    expect(lines[2]).toBe('keep revert');
  });

  it('leaves undecided what too few words were said for', () => {
    expect(lines[1]).toBe('keep undecided undecided undecided undecided');
    expect(lines[3]).toBe('keep undecided');
  });
});
