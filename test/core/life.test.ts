import { beforeAll, expect, test } from 'vitest';
import { buildHost } from '../../tools/native/host-vm.mjs';
import { compileSource } from '../vm/compiler.ts';
import { runImage } from './run.ts';

let runner = '';
beforeAll(async () => {
  runner = await buildHost('plain');
}, 900_000);

const run = (source: string): string[] => {
  const { image } = compileSource(`import * as ds from '@devicescript/core'\n${source}`);
  return runImage(runner, image);
};

test('a program may compute for longer than upstream lets it', () => {
  const lines = run('let n = 0\nfor (let i = 0; i < 300000; ++i) n += i & 1\nconsole.log(n)');
  expect(lines).toEqual(['> 150000', '= restart']);
});

test('the watchdog stops a program that never waits, by time', () => {
  const lines = run('console.log("on")\nlet n = 0\nwhile (true) n++');
  expect(lines[0]).toBe('> on');
  expect(lines[1]).toBe('! Exception: InfiniteLoop');
  expect(lines[2]).toMatch(/^! {2}at main_F0 \(pc:\d+\)$/);
  expect(lines.at(-1)).toBe('= panic 60001');
});

test('a fiber that computes in many slices does not starve nor wake the others', () => {
  const lines = run(`
let n = 0
async function tick() { for (let i = 0; i < 3; ++i) { console.log("tick", n > 0); await ds.sleep(1) } }
tick.start()
for (let i = 0; i < 100000; ++i) n++
console.log("computed", n)
await ds.sleep(20)`);
  expect(lines).toEqual([
    '> computed 100000',
    '> tick true',
    '> tick true',
    '> tick true',
    '= restart',
  ]);
});

test('ds.millis goes on while a program computes', () => {
  const lines = run(`
const start = ds.millis()
let n = 0
while (ds.millis() < start + 20) n++
console.log(n > 10)`);
  expect(lines).toEqual(['> true', '= restart']);
});

test('recursion without end is a panic with a trace that is cut', () => {
  const lines = run('function f(n: number): number { return f(n + 1) + 1 }\nconsole.log(f(0))');
  expect(lines[0]).toBe('! Exception: StackOverflow');
  expect(lines.filter((line) => line.includes(' at f_F'))).toHaveLength(32);
  expect(lines).toContain('!  ...');
  expect(lines.at(-1)).toBe('= panic 60006');
});

test('memory that runs out is a panic and cannot be caught', () => {
  const lines = run(`
const all: Buffer[] = []
try { while (true) all.push(Buffer.alloc(1000)) } catch (e) { console.log("caught") }`);
  expect(lines[0]).toBe('! Exception: OutOfMemory');
  expect(lines.at(-1)).toBe('= panic 60004');
});

test('calls as deep as a program may want', () => {
  const lines = run(
    'function f(n: number): number { return n === 0 ? 0 : f(n - 1) + 1 }\nconsole.log(f(400))',
  );
  expect(lines).toEqual(['> 400', '= restart']);
});

test('as many arguments as the language lets a call spread', () => {
  const lines = run(`
const many: number[] = []
for (let i = 0; i < 14; ++i) many.push(i)
function last(...all: number[]) { return all[all.length - 1] }
console.log(last(...many), last(99, ...many))`);
  expect(lines).toEqual(['> 13 13', '= restart']);
});
