import { basename, dirname, join, relative } from 'node:path';
import type { Command } from 'commander';
import { buildProject, OUTPUT_ADVICE } from '../compiler/build.ts';
import { compileProgram } from '../sim/compile.ts';
import { writeResult } from './writable.ts';

interface BuildCommandOptions {
  out?: string;
  json?: boolean;
}

async function runBuild(manifestPath: string, options: BuildCommandOptions): Promise<void> {
  const { manifest, text, json, files } = buildProject(manifestPath, { outDir: options.out });
  const { image } = await compileProgram(relative('', manifest.appPath));
  const name = `${basename(manifest.app, '.ts')}.devs`;
  const bytecode = join(dirname(files[0] ?? name), name);
  writeResult(bytecode, image, OUTPUT_ADVICE);
  const written = [...files, bytecode].map((file) => relative('', file));
  if (options.json) {
    console.log(JSON.stringify({ ...json, script: { bytes: image.length }, files: written }));
    return;
  }
  console.log(text);
  console.log(`Script ${manifest.app}: ${image.length} bytes of bytecode`);
  console.log(`Written: ${written.join(', ')}`);
}

/** `retune build`: model and script for a board, with the memory plan. */
export function addBuildCommand(program: Command): void {
  program
    .command('build')
    .description('compile model and script, plan the memory, check board and budgets')
    .argument('[manifest]', 'the project', 'devicescript.json')
    .option('--out <folder>', 'where the results go (default: build/APP)')
    .option('--json', 'print the plan as one JSON object')
    .action(runBuild);
}
