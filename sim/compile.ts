import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { oneLine, RetuneError } from '../cli/error.ts';
import { ensureFolder } from '../cli/writable.ts';

/** The folder that holds services/ and devsconfig.json. */
export const projectRoot = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** An error that the DeviceScript compiler found. */
export interface Diagnostic {
  /** Path as seen from the current folder. */
  file: string;
  line: number;
  column: number;
  severity: 'error' | 'warning';
  code?: string;
  message: string;
}

export interface Compilation {
  /** Bytecode image; undefined when there were errors. */
  program?: Uint8Array;
  diagnostics: Diagnostic[];
  /** The specifications in services/, as the compiler understood them. */
  services?: ServiceSpec[];
}

export interface CompileOptions {
  /** The program asks for a restart when it comes to its end, as a test does. */
  restarts?: boolean;
}

/** A service specification as the compiler writes it out; the fields that we read. */
export type ServiceSpec = jdspec.ServiceSpec;

/**
 * Compiles a script with the official compiler (`devs build`), in a folder of its own so that
 * several builds can run at a time.
 */
export async function compileScript(
  file: string,
  options: CompileOptions = {},
): Promise<Compilation> {
  if (!existsSync(file)) throw missingProgram(file);
  if (!file.endsWith('.ts') || !statSync(file).isFile()) return { diagnostics: [noProgram(file)] };
  const compilation = await compileIn(createBuildFolder(), resolve(file), options);
  if (compilation.program === undefined && !readFileSync(file, 'utf8').includes('@devicescript/')) {
    compilation.diagnostics.push(noProgram(file));
  }
  return compilation;
}

export function missingProgram(file: string): RetuneError {
  return new RetuneError(`${file}: no such file; give the path of a DeviceScript program (.ts)`);
}

/** An editor runs whatever file is open, with errors shown where those of the compiler are. */
function noProgram(file: string): Diagnostic {
  return {
    file: relative('.', file),
    line: 1,
    column: 1,
    severity: 'error',
    message: 'not a DeviceScript program; open one, src/keyword.ts for example, and run that',
  };
}

/** Reads services/*.md alone. */
export async function compileServices(): Promise<ServiceSpec[]> {
  const folder = createBuildFolder();
  // the compiler reads them only along with a program
  const file = join(folder, 'empty.ts');
  writeFileSync(file, 'export {}\n');
  const { services, diagnostics } = await compileIn(folder, file);
  if (services !== undefined) return services;
  throw new RetuneError(
    `services/: do not compile\n${diagnostics.map(formatDiagnostic).join('\n')}`,
  );
}

/** Compiles and removes the folder. */
async function compileIn(
  folder: string,
  file: string,
  options: CompileOptions = {},
): Promise<Compilation> {
  try {
    const output = await runCompiler(folder, file, options);
    const diagnostics = parseDiagnostics(output.text, folder);
    if (output.status === 0 && diagnostics.every(({ severity }) => severity === 'warning')) {
      const built = join(folder, '.devicescript');
      const services = readFileSync(join(built, 'services.json'), 'utf8');
      return {
        program: new Uint8Array(readFileSync(join(built, 'bin', 'bytecode.devs'))),
        services: JSON.parse(services) as ServiceSpec[],
        diagnostics,
      };
    }
    if (diagnostics.length === 0) throw new RetuneError(`${file}: ${oneLine(output.text)}`);
    return { diagnostics };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A program and the custom services it may use. */
export interface Program {
  image: Uint8Array;
  services: ServiceSpec[];
}

/** Compiles, or throws one error that lists what is wrong. */
export async function compileProgram(file: string, options: CompileOptions = {}): Promise<Program> {
  const { program, services = [], diagnostics } = await compileScript(file, options);
  if (program === undefined) {
    throw new RetuneError(
      `${file}: does not compile\n${diagnostics.map(formatDiagnostic).join('\n')}`,
    );
  }
  return { image: program, services };
}

/** One line, in the form that problem matchers know from tsc. */
export function formatDiagnostic(d: Diagnostic): string {
  const code = d.code === undefined ? '' : ` ${d.code}`;
  return `${d.file}(${d.line},${d.column}): ${d.severity}${code}: ${d.message}`;
}

function createBuildFolder(): string {
  const parent = join(projectRoot, '.retune', 'builds');
  ensureFolder(parent, 'builds are kept there: make the project folder writable');
  const folder = mkdtempSync(join(parent, 'build-'));
  // a junction needs no administrator on Windows; elsewhere the type is ignored
  symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'), 'junction');
  symlinkSync(join(projectRoot, 'services'), join(folder, 'services'), 'junction');
  cpSync(join(projectRoot, 'devsconfig.json'), join(folder, 'devsconfig.json'));
  return folder;
}

function runCompiler(
  folder: string,
  file: string,
  { restarts = false }: CompileOptions,
): Promise<{ status: number; text: string }> {
  const cli = createRequire(import.meta.url).resolve('@devicescript/cli/devicescript');
  const flags = restarts ? ['--flag', 'testHarness'] : [];
  const args = [cli, '--quiet', '--no-colors', '--ci', 'build', ...flags, relative(folder, file)];
  return new Promise((done, fail) => {
    execFile(process.execPath, args, { cwd: folder }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') fail(error);
      else done({ status: Number(error?.code ?? 0), text: stdout + stderr });
    });
  });
}

/** `file(line,column): error TS1: text`, or, for a service specification, `file(line): text`. */
function parseDiagnostics(text: string, folder: string): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  for (const line of text.split(/\r?\n/)) {
    const match = /^(.+?)\((\d+)(?:,(\d+))?\): (?:(error|warning) ?(\w+)?: )?(.*)$/.exec(line);
    if (match === null) {
      // further lines of a message are indented
      const last = diagnostics.at(-1);
      if (last !== undefined && /^\s+\S/.test(line)) last.message += ` ${line.trim()}`;
      continue;
    }
    const [, file, row, column, severity, code, message] = match;
    diagnostics.push({
      file: relative('.', resolve(folder, file as string)),
      line: Number(row),
      column: Number(column ?? 1),
      severity: severity === 'warning' ? 'warning' : 'error',
      code,
      message: message as string,
    });
  }
  return diagnostics;
}
