/**
 * Writes numbers.txt: what the official VM prints for each of numbers.ts.
 *
 *     tsx test/text/record.ts
 */
import { writeFileSync } from 'node:fs';
import { compileSource } from '../vm/compiler.ts';
import { runOfficial } from '../vm/official.ts';
import { interestingNumbers, toHex } from './numbers.ts';

/** Numbers a program: the official VM stops programs that run long without a pause. */
const CHUNK = 500;

async function printed(numbers: number[]): Promise<string[]> {
  const bytes = Buffer.alloc(numbers.length * 8);
  numbers.forEach((number, i) => bytes.writeDoubleLE(number, i * 8));
  const { image } = compileSource(`import { delay } from '@devicescript/core';
const bytes = hex\`${bytes.toString('hex')}\`;
for (let i = 0; i < ${numbers.length}; i++) {
  console.log(bytes.getAt(i * 8, 'f64'));
  if (i % 50 === 49) await delay(1);
}
`);
  const { lines } = await runOfficial(image);
  if (lines.length !== numbers.length) throw new Error(`${lines.length} lines printed`);
  return lines.map((line) => line.slice(2));
}

const numbers = interestingNumbers();
const rows: string[] = [];
for (let at = 0; at < numbers.length; at += CHUNK) {
  const chunk = numbers.slice(at, at + CHUNK);
  const texts = await printed(chunk);
  chunk.forEach((number, i) => rows.push(`${toHex(number)} ${texts[i] ?? ''}`));
}
writeFileSync(new URL('numbers.txt', import.meta.url), `${rows.join('\n')}\n`);
console.log(`${rows.length} numbers`);
