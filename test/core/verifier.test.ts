import { beforeAll, describe, expect, test } from 'vitest';
import { buildHost } from '../../tools/native/host-vm.mjs';
import { readAbi } from '../vm/abi.ts';
import { Image, SECTION } from './image.ts';
import { runImage } from './run.ts';

let runner = '';
beforeAll(async () => {
  runner = await buildHost('plain');
}, 900_000);

/** Opcodes by name. */
const op: Record<string, number> = {};
for (const { name, code } of readAbi().ops) op[name] = code;
const code = (...items: (string | number)[]): number[] =>
  items.map((item) => (typeof item === 'string' ? (op[item] ?? NaN) : item));

/** The constant 0, as one byte. */
const ZERO = 0x90;
const END = ['undefined', 'return'];

/** Function 2 of this is `target`, with two parameters and room for code. */
const SOURCE = `
const long = 'ä string that is not ASCII and is longer than sixteen code points';
function target(a: number, b: number) {
  let s = 0.5;
  for (let i = 0; i < a; ++i) s = s + b * i;
  return s;
}
console.log(target(3, 4), long.length, hex\`010203\`);
`;

function targetOf(image: Image): number {
  const count = image.view.getUint32(image.sectionAt(SECTION.functions) + 4, true) / 16;
  for (let i = 0; i < count; i++) {
    const parameters = image.view.getUint8(image.functionAt(i) + 10);
    if (parameters === 2) return i;
  }
  throw new Error('target is not there');
}

const refused = (image: Image): string => {
  const lines = runImage(runner, image.bytes);
  expect(lines.at(-1)).toBe('= refused');
  return lines[0] ?? '';
};

test('the image as it was compiled runs', () => {
  expect(runImage(runner, new Image(SOURCE).bytes)).toEqual([
    '> 12.5 65 [Buffer[3] 010203]',
    '= restart',
  ]);
});

describe('code that the verifier refuses', () => {
  const cases: [string, (string | number)[], string][] = [
    ['an opcode that does not exist', [42, ...END], 'no such opcode'],
    ['an opcode beyond the last', [95, ...END], 'no such opcode'],
    ['an immediate that is cut off', ['load_local'], 'no such opcode'],
    ['an immediate that goes over the end', ['literal', 0xfb, 1, 2], 'no such opcode'],
    ['a local that is not there', ['load_local', 0x40, 'return'], 'operand out of range'],
    ['a negative local', ['load_local', 0xfc, 1, 'return'], 'operand out of range'],
    ['a global that is not there', ['load_global', 0x70, 'return'], 'operand out of range'],
    ['a function that is not there', ['static_function', 0x20, 'return'], 'operand out of range'],
    ['a string that is not there', ['static_ascii_string', 0x60, 'return'], 'operand out of range'],
    ['a float that is not there', ['literal_f64', 0x20, 'return'], 'operand out of range'],
    ['a spec that is not there', ['static_spec', 0, 'return'], 'operand out of range'],
    [
      'a builtin object that is not there',
      ['builtin_object', 44, 'return'],
      'operand out of range',
    ],
    ['a value taken from an empty stack', ['return'], 'stack underflow'],
    ['one operand for two', [ZERO, 'add', 'return'], 'stack underflow'],
    ['values left behind by a statement', [ZERO, ZERO, 'return'], 'statement leaves values'],
    ['too many values', [...Array<number>(17).fill(ZERO)], 'stack overflow'],
    ['code that runs over its end', [ZERO, 'store_local', 0], 'function without an end'],
    ['a jump into an instruction', ['jmp', 1, ...END], 'jump into nowhere'],
    ['a jump into an expression', ['jmp', 3, ZERO, ZERO, 'add', 'return'], 'jump into nowhere'],
    ['a jump out of the function', ['jmp', 0x70, ...END], 'jump into nowhere'],
    ['a jump before the function', ['jmp', 0xfc, 8, ...END], 'jump into nowhere'],
    ['a try without a handler', ['try', 4, ...END, ...END], 'try without catch or finally'],
  ];
  test.each(cases)('%s', (_, items, message) => {
    const image = new Image(SOURCE);
    expect(refused(image.setCode(targetOf(image), code(...items)))).toContain(message);
  });

  test('good code in the same place runs', () => {
    const image = new Image(SOURCE);
    image.setCode(targetOf(image), code('load_local', 0, 'load_local', 1, 'add', 'return'));
    expect(runImage(runner, image.bytes)[0]).toBe('> 7 65 [Buffer[3] 010203]');
  });
});

describe('what only shows when it runs', () => {
  const cases: [string, (string | number)[]][] = [
    ['more try blocks than the function has', ['try', 2, 'finally', ...END]],
    ['the end of a try block that was not begun', ['end_try', 2, ...END]],
    ['finally without try', ['finally', ...END]],
    ['catch without an exception', ['catch', ...END]],
    ['a jump out of try blocks that there are not', [0x91, 'throw_jmp', 2, ...END]],
    ['a closure level too many', [0x91, 'load_closure', 0, 'return']],
  ];
  test.each(cases)('%s stops the program', (_, items) => {
    const image = new Image(SOURCE);
    image.setCode(targetOf(image), code(...items));
    const lines = runImage(runner, image.bytes);
    expect(lines[0]).toBe('! Exception: BadProgram');
    expect(lines.at(-1)).toBe('= panic 60014');
  });
});

describe('tables that the loader refuses', () => {
  const cases: [string, (image: Image) => void, string][] = [
    ['another file', (i) => i.view.setUint32(0, 7, true), 'not a DeviceScript image'],
    [
      'another version',
      (i) => i.view.setUint32(8, 0x03000000, true),
      'another DeviceScript version',
    ],
    [
      'a section that begins elsewhere',
      (i) => i.view.setUint32(i.sectionAt(SECTION.floats), 4, true),
      'sections are not contiguous',
    ],
    [
      'a section that is longer than the file',
      (i) => i.view.setUint32(i.sectionAt(9) + 4, 0x10000, true),
      'section ends behind the image',
    ],
    [
      'a function that begins before the code',
      (i) => i.view.setUint32(i.functionAt(1), 0, true),
      'function outside the code',
    ],
    [
      'functions that lie over each other',
      (i) => i.view.setUint32(i.functionAt(1), i.codeStart(0) + 4, true),
      'function outside the code, or over another',
    ],
    [
      'more parameters than slots',
      (i) => i.view.setUint8(i.functionAt(targetOf(i)) + 10, 99),
      'function with odd slots',
    ],
    [
      'a constructor without this',
      (i) => i.view.setUint8(i.functionAt(targetOf(i)) + 11, 2),
      'function lacks a parameter',
    ],
    [
      'an ASCII string outside the strings',
      (i) => i.view.setUint16(i.start(SECTION.ascii), 0xfff0, true),
      'string outside its section',
    ],
    [
      'a UTF-8 string with more code points than bytes',
      (i) => {
        const at = i.start(SECTION.strings) + i.view.getUint32(i.start(SECTION.utf8), true);
        i.view.setUint16(at + 2, 0x300, true);
      },
      'damaged UTF-8 string',
    ],
    [
      'a jump table that leads into a code point',
      (i) => {
        const at = i.start(SECTION.strings) + i.view.getUint32(i.start(SECTION.utf8), true);
        i.view.setUint16(at + 4, 1, true);
      },
      'damaged UTF-8 string',
    ],
    [
      'a buffer outside the strings',
      (i) => i.view.setUint32(i.start(SECTION.buffers) + 4, 0x8000, true),
      'buffer outside its section',
    ],
  ];
  test.each(cases)('%s', (_, damage, message) => {
    const image = new Image(SOURCE);
    damage(image);
    expect(refused(image)).toContain(message);
  });
});
