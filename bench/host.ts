/**
 * The engine as a program of this computer: a model's tables as C, linked with native/engine, the
 * kernels in their portable form. Only results: how fast it is, is the computer's business.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { emitC } from '../compiler/emit-c.ts';
import type { CompiledModel } from '../compiler/compile.ts';
import { cFiles, compileObjects, scratchFolder, zig } from '../compiler/toolchain.ts';

/** A static binary where that needs no headers of the system. */
function target(): string[] {
  const cpu = { x64: 'x86_64', arm64: 'aarch64' }[process.arch as string];
  return process.platform === 'linux' && cpu ? ['-target', `${cpu}-linux-musl`] : [];
}

const FLAGS = ['-std=c99', '-O2', '-fno-sanitize=all', '-Inative', '-Inative/engine'];

let engine: Promise<string[]> | undefined;

function engineObjects(): Promise<string[]> {
  const rooms = [...cFiles('native/engine'), ...cFiles('native/dsp')];
  const sources = [...rooms, 'bench/host/main.c'];
  engine ??= compileObjects(sources, [...target(), ...FLAGS], scratchFolder('bench-host'));
  return engine;
}

export class HostProgram {
  private constructor(
    private readonly program: string,
    readonly compiled: CompiledModel,
  ) {}

  static async build(compiled: CompiledModel): Promise<HostProgram> {
    const folder = scratchFolder('bench-host');
    const source = join(folder, 'model.c');
    const program = join(folder, process.platform === 'win32' ? 'model.exe' : 'model');
    writeFileSync(source, emitC(compiled.description));
    const objects = await engineObjects();
    await zig(['cc', ...target(), ...FLAGS, source, ...objects, '-o', program]);
    return new HostProgram(program, compiled);
  }

  private run(args: string[], windows: Int8Array[]): Buffer {
    const input = Buffer.concat(windows.map((window) => Buffer.from(window.buffer)));
    return execFileSync(this.program, args, { input, maxBuffer: 1 << 26 });
  }

  /** The outputs of these inputs. */
  infer(inputs: Int8Array[]): Int8Array[] {
    const { model } = this.compiled;
    const bytes = model.tensors[model.outputTensor]?.bytes ?? 0;
    const all = new Int8Array(this.run(['infer', String(inputs.length)], inputs));
    return inputs.map((_, i) => all.slice(i * bytes, (i + 1) * bytes));
  }

  /** The adapter that is saved after a burst of batch 1; windows are labelled 0, 1, … */
  train(steps: number, windows: Int8Array[]): Uint8Array {
    return new Uint8Array(this.run(['train', String(steps), String(windows.length)], windows));
  }
}
