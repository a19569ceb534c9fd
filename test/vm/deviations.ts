/** Where the official VM's answer is a defect and ours differs on purpose. docs/vm.md lists them. */
export interface Deviation {
  /** What is printed: an expression of DeviceScript. */
  expression: string;
  official: string;
  ours: string;
}

/** Ahead of the expressions. */
export const PREAMBLE = `import * as ds from '@devicescript/core';
function id(x: any): any {
  return x;
}
function stored(format: 'i8' | 'i64' | 'u64', v: number) {
  const b = Buffer.alloc(8);
  if (format === 'i8') b.setAt(0, 'i8', v);
  else if (format === 'i64') b.setAt(0, 'i64', v);
  else b.setAt(0, 'u64', v);
  return format === 'i8' ? b.getAt(0, 'i8') : format === 'i64' ? b.getAt(0, 'i64') : b.getAt(0, 'u64');
}
function shortened() {
  const a = [1, 2, 3];
  a.length = 2;
  return a;
}
function emptied() {
  const a: any = [1, 2];
  delete a[0];
  return a;
}
function overlapping() {
  const b = hex\`0102030405\`.slice();
  b.blitAt(1, b, 0, 4);
  return b;
}
`;

export const deviations: Deviation[] = [
  { expression: "isNaN(id('x'))", official: '> false', ours: '> true' },
  { expression: "stored('i8', NaN)", official: '> -128', ours: '> 0' },
  {
    expression: "stored('i64', 4294967296)",
    official: '> -9223372036854780000',
    ours: '> 4294967296',
  },
  { expression: "stored('u64', Infinity)", official: '> 0', ours: '> 18446744073709600000' },
  { expression: 'shortened()', official: '> [1,2,3]', ours: '> [1,2]' },
  { expression: 'emptied()', official: '> [1,2]', ours: '> [undefined,2]' },
  {
    expression: 'overlapping()',
    official: '> [Buffer[5] 0101010101]',
    ours: '> [Buffer[5] 0101020304]',
  },
  { expression: "'text'.slice(null as any, null as any)", official: '> text', ours: '>' },
];
