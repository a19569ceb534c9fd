import { basename, join, relative } from 'node:path';
import type { Command } from 'commander';
import { buildProject, type BuildResult, OUTPUT_ADVICE } from '../compiler/build.ts';
import type { Board } from '../compiler/board.ts';
import { computingJoules, energyReport, energyRows } from '../compiler/energy.ts';
import { boardOf, readManifest } from '../compiler/manifest.ts';
import { buildFirmware, type Firmware } from '../compiler/firmware.ts';
import { firmwareText } from '../compiler/firmware-report.ts';
import { textTable } from '../compiler/report.ts';
import { burstText, predictBurst, workloadOf, type BurstPrediction } from '../sim/burst.ts';
import { compileProgram } from '../sim/compile.ts';
import { builtInTrust } from '../fleet/trust.ts';
import { RetuneError } from './error.ts';
import { writeResult } from './writable.ts';

interface BuildCommandOptions {
  board?: string;
  out?: string;
  json?: boolean;
  map?: string;
  /** commander: false with --no-model. */
  model: boolean;
  firmware: boolean;
}

/** A firmware that learns nothing: virtual machine, bus and the board's own services. */
async function buildBare(manifestPath: string, options: BuildCommandOptions): Promise<void> {
  if (!options.firmware) {
    throw new RetuneError('--no-model and --no-firmware leave nothing to build; drop one of them');
  }
  if (options.map !== undefined) {
    throw new RetuneError('--no-model leaves no arena to draw; drop --map or --no-model');
  }
  const manifest = readManifest(manifestPath);
  const board = boardOf(manifest, options.board);
  const outDir = options.out ?? join(manifest.root, 'build', `${board.id}-bare`);
  const trust = builtInTrust(manifest);
  const firmware = await buildFirmware({ board, modules: [], trust, outDir });
  if (options.json) {
    console.log(JSON.stringify({ ...firmware.report, files: filesOf(firmware) }));
    return;
  }
  console.log(firmwareText(firmware.report, board));
  console.log(`Written: ${filesOf(firmware).join(', ')}`);
}

function filesOf({ elf, uf2, map }: Firmware): string[] {
  return [elf, uf2, map].map((file) => relative('', file));
}

/** Writes the app's bytecode beside the tables. @returns its path and contents */
async function compileApp(
  { manifest }: BuildResult,
  folder: string,
): Promise<{ path: string; image: Uint8Array }> {
  const { image } = await compileProgram(relative('', manifest.appPath));
  const path = join(folder, `${basename(manifest.app, '.ts')}.devs`);
  writeResult(path, image, OUTPUT_ADVICE);
  return { path, image };
}

/** What learning will take on the board, by the firmware's own estimate. */
function predictionText(
  { compiled, manifest }: BuildResult,
  { clockHz, energy }: Board,
  burst: BurstPrediction,
): string {
  const joules = energy && ((cycles: number): number => computingJoules(energy, cycles));
  const lines = [burstText(burst, clockHz, joules)];
  const load = workloadOf(compiled, burst);
  if (energy !== undefined && load !== undefined) {
    const rows = energyRows(energyReport(energy, load, manifest.duty));
    lines.push('', textTable(['energy', 'on this board'], rows, []));
  }
  return lines.join('\n');
}

async function runBuild(manifestPath: string, options: BuildCommandOptions): Promise<void> {
  if (!options.model) return buildBare(manifestPath, options);
  const built = buildProject(manifestPath, {
    outDir: options.out,
    board: options.board,
    map: options.map,
  });
  const { manifest, board, compiled, text, json } = built;
  const folder = options.out ?? join(manifest.root, 'build', basename(manifest.app, '.ts'));
  const app = await compileApp(built, folder);
  const firmware = options.firmware
    ? await buildFirmware({
        board,
        modules: manifest.modules,
        model: compiled,
        program: app.image,
        trust: builtInTrust(manifest),
        outDir: join(folder, board.id),
      })
    : undefined;
  const files = [...built.files, app.path].map((file) => relative('', file));
  if (firmware !== undefined) files.push(...filesOf(firmware));
  const script = { bytes: app.image.length };
  const burst = predictBurst(compiled);
  if (options.json) {
    const plan = { ...json, burst };
    console.log(JSON.stringify({ ...firmware?.report, plan, script, files }));
    return;
  }
  console.log(text);
  if (burst !== undefined) console.log(`\n${predictionText(built, board, burst)}\n`);
  console.log(`Script ${manifest.app}: ${script.bytes} bytes of bytecode`);
  if (firmware !== undefined) console.log(`\n${firmwareText(firmware.report, board)}`);
  console.log(`Written: ${files.join(', ')}`);
}

/** `retune build`: model, script and firmware for a board, with the memory plan. */
export function addBuildCommand(program: Command): void {
  program
    .command('build')
    .description('compile model, script and firmware, plan the memory, check board and budgets')
    .argument('[manifest]', 'the project', 'devicescript.json')
    .option('--board <name>', "a board in boards/ (default: the manifest's)")
    .option('--out <folder>', 'where the results go (default: build/APP)')
    .option('--map <file>', 'draw the arena, lives to the right and addresses upwards, as SVG')
    .option('--no-model', 'a firmware that learns nothing, for scripts that need no model')
    .option('--no-firmware', 'model, script and memory plan only: nothing is compiled for the chip')
    .option('--json', 'print sizes and plan as one JSON object')
    .action(runBuild);
}
