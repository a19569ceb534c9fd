/** `retune build`: from devicescript.json to C tables and the memory plan in build/APP/. */
import { readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { RetuneError } from '../cli/error.ts';
import { writeResult } from '../cli/writable.ts';
import { fillBudget } from './activation-cache.ts';
import type { AdapterOptions } from './adapter.ts';
import { arenaSvg } from './arena-svg.ts';
import { checkBudgets, type Alternative } from './budget.ts';
import type { Board } from './board.ts';
import { compileModel, type CompiledModel } from './compile.ts';
import { emitC } from './emit-c.ts';
import { boardOf, checkModules, readManifest, type Manifest } from './manifest.ts';
import { banksOf } from './pins.ts';
import { memoryReport, reportText, textTable, type MemoryReport } from './report.ts';

export interface BuildOptions {
  /** Default: build/APP beside the manifest. */
  outDir?: string;
  /** Write nothing, only report. */
  dryRun?: boolean;
  /** A further file for the picture of the arena, which is also in outDir. */
  map?: string;
  /** Another board than the manifest's: a name in boards/ or a path. */
  board?: string;
  /** As compileModel takes it; default true, since firmware for boards is what is built. */
  packed?: boolean;
}

export const OUTPUT_ADVICE = 'name another folder with --out';

export interface BuildResult {
  manifest: Manifest;
  board: Board;
  compiled: CompiledModel;
  /** The memory plan for a terminal and as an object. */
  text: string;
  json: MemoryReport & { alternatives: Alternative[] };
  /** Paths of the files that were written. */
  files: string[];
}

/** Compiles the project. Throws RetuneError for anything that the maker can mend. */
export function buildProject(manifestPath: string, options: BuildOptions = {}): BuildResult {
  const manifest = readManifest(manifestPath);
  const board = boardOf(manifest, options.board);
  checkModules(manifest);
  const bytes = readModel(manifest);
  const { packed = true } = options;
  const file = relative('', manifest.modelPath);
  const { pin } = manifest.memory ?? {};
  const pins = pin && { wanted: pin, banks: banksOf(board.archId) };
  const compile = (adapter?: AdapterOptions): CompiledModel =>
    compileModel(bytes, file, { ...pick(manifest), adapter, packed, pins });
  const adapter = fillBudget(manifest.adapter, manifest.budgets?.ram, (candidate) => {
    const trial = compile(candidate);
    const { cache } = trial.training ?? {};
    return cache && { cache, ramBytes: memoryReport(trial).ram.total };
  });
  const compiled = compile(adapter);
  const plan = memoryReport(compiled, board.flashSectorBytes);
  const others = alternatives(manifest, board, compile);
  checkBudgets(manifest, board, plan, others);
  const json = { ...plan, alternatives: others };
  const text = `${reportText(plan)}\n${boardLine(board, plan)}\n\n${alternativesText(others)}`;
  const files = options.dryRun === true ? [] : write(manifest, compiled, text, json, options);
  return { manifest, board, compiled, text, json, files };
}

function readModel(manifest: Manifest): Uint8Array {
  try {
    return readFileSync(manifest.modelPath);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'cannot be read';
    throw new RetuneError(
      `${manifest.file}: field "model": ${manifest.model} cannot be read (${code}); ` +
        'give the path of a .tflite file',
    );
  }
}

function pick(manifest: Manifest): Pick<Manifest, 'features' | 'labels'> {
  return { features: manifest.features, labels: manifest.labels };
}

/** What other adapters of the model would take, from the most capable down. */
function alternatives(
  manifest: Manifest,
  board: Board,
  compile: (adapter: AdapterOptions) => CompiledModel,
): Alternative[] {
  const { slots, windows, places } = manifest.adapter ?? {};
  const candidates: AdapterOptions[] = [
    { method: 'lora', rank: 4 },
    { method: 'lora', rank: 2 },
    { method: 'skip', rank: 8 },
    { method: 'skip', rank: 4 },
    { method: 'head' },
    { method: 'none' },
  ];
  const found: Alternative[] = [];
  for (const candidate of candidates) {
    try {
      const report = memoryReport(
        compile({ ...candidate, slots, windows, places }),
        board.flashSectorBytes,
      );
      const { arena, adapter, ram, flash } = report;
      found.push({
        adapter: candidate,
        arenaBytes: arena.bytes,
        adapterBytes: adapter?.bytes ?? 0,
        ramBytes: ram.total,
        flashBytes: flash.total,
      });
    } catch (error) {
      // A model that cannot have this adapter is no alternative.
      if (!(error instanceof RetuneError)) throw error;
    }
  }
  return found;
}

function alternativesText(alternatives: Alternative[]): string {
  const bytes = (count: number): string => count.toLocaleString('en-US');
  const rows = alternatives.map(({ adapter, arenaBytes, adapterBytes, ramBytes }) => [
    adapter.rank === undefined ? adapter.method : `${adapter.method}, rank ${adapter.rank}`,
    ...[arenaBytes, adapterBytes, ramBytes].map(bytes),
  ]);
  const head = ['adapter', 'arena bytes', 'adapter bytes', 'RAM bytes'];
  return `What "adapter" in the manifest could be\n${textTable(head, rows, [1, 2, 3])}`;
}

function boardLine(board: Board, report: MemoryReport): string {
  const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`;
  return (
    `Board ${board.name}: ${percent(report.ram.total, board.ramBytes)} of its RAM, ` +
    `${percent(report.flash.total, board.flashBytes)} of its flash`
  );
}

function write(
  manifest: Manifest,
  compiled: CompiledModel,
  text: string,
  json: BuildResult['json'],
  { outDir, map }: BuildOptions,
): string[] {
  const folder = outDir ?? join(manifest.root, 'build', basename(manifest.app, '.ts'));
  const outputs: [string, string][] = [
    ['model.c', emitC(compiled.description)],
    ['memory.json', `${JSON.stringify(json, null, 2)}\n`],
    ['memory.txt', `${text}\n`],
    ['arena.svg', arenaSvg(json)],
  ];
  const files = outputs.map(([name, content]): [string, string] => [join(folder, name), content]);
  if (map !== undefined) files.push([map, arenaSvg(json)]);
  return files.map(([path, content]) => {
    writeResult(path, content, OUTPUT_ADVICE);
    return path;
  });
}
