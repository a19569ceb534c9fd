/** Puts the figures of the golden files into docs/conformance.md, between two marks. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { projectRoot } from '../support/data.ts';
import type { Difference, Golden, NetworkGolden } from '../support/golden.ts';
import { total } from './compare.ts';

const START = '<!-- figures: written by npm run oracle -->';
const END = '<!-- end of figures -->';

const number = (n: number): string => n.toLocaleString('en-GB');

function part(d: Difference): string {
  return d.differ === 0
    ? `0 of ${number(d.values)}`
    : `${number(d.differ)} of ${number(d.values)}, at most ${d.largest}`;
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function endToEnd(all: Golden[]): string {
  return table(
    ['model', 'runs', 'reference kernels', 'XNNPACK', 'optimised kernels', 'other top class'],
    all.map(({ name, samples, randomRuns, logits, figures }) => [
      `\`${name}\``,
      String(randomRuns + samples.reduce((a, s) => a + s.runs, 0)),
      part(figures.endToEnd.reference),
      part(figures.endToEnd.xnnpack),
      part(figures.endToEnd.builtin),
      logits ? `${figures.otherAnswer.xnnpack}, ${figures.otherAnswer.builtin}` : 'no classes',
    ]),
  );
}

function byLayer(all: Golden[]): string {
  return table(
    ['model', 'layers', 'XNNPACK', 'with its rounding', 'optimised kernels', 'with their rounding'],
    all.map(({ name, figures: { layers } }) => [
      `\`${name}\``,
      String(layers.length),
      part(total(layers.map((l) => l.xnnpack))),
      part(total(layers.map((l) => l.xnnpackExplained))),
      part(total(layers.map((l) => l.builtin))),
      part(total(layers.map((l) => l.builtinExplained))),
    ]),
  );
}

/** One row per operator: in which of them each set of kernels departs from the specification. */
function byOperator(all: Golden[]): string {
  const layers = all.flatMap((golden) => golden.figures.layers);
  const operators = [...new Set(layers.map((l) => l.operator))].sort();
  return table(
    ['operator', 'XNNPACK', 'optimised kernels'],
    operators.map((operator) => {
      const these = layers.filter((l) => l.operator === operator);
      return [
        `\`${operator}\``,
        part(total(these.map((l) => l.xnnpack))),
        part(total(these.map((l) => l.builtin))),
      ];
    }),
  );
}

export async function writeReport(all: Golden[], networks: NetworkGolden): Promise<void> {
  const path = join(projectRoot, 'docs/conformance.md');
  const text = readFileSync(path, 'utf8');
  const [start, end] = [text.indexOf(START), text.indexOf(END)];
  if (start < 0 || end < start) throw new Error(`${path} lost the marks ${START} … ${END}`);
  const runtimes = [...new Set(all.map((golden) => golden.figures.runtime))].join(', ');
  const body = [
    START,
    `Measured with Chromium ${runtimes}.`,
    '### Whole models: outputs that differ from the specification',
    endToEnd(all),
    '### Layer by layer, each on the same inputs',
    byLayer(all),
    '### The same by operator',
    byOperator(all),
    '### Random networks',
    `${networks.sha256.length} networks, four inputs each, through TensorFlow Lite's reference kernels: ` +
      `${part(networks.difference)} outputs differ from the specification.`,
  ].join('\n\n');
  const whole = `${text.slice(0, start)}${body}\n\n${text.slice(end)}`;
  const options = await resolveConfig(path);
  writeFileSync(path, await format(whole, { ...options, filepath: path }));
}
