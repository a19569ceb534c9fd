import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { compileFunction } from 'node:vm';

/**
 * The compiler of `@devicescript/cli` in this process, cut out of the CLI's bundle as it is: many
 * small programs compile much faster so than with one `devs build` each, and nothing is written.
 */
export interface Compiled {
  image: Uint8Array;
  /** What `devs annotate` and stack traces need. */
  debug: unknown;
}

interface CompilerHost {
  write: (file: string, content: unknown) => void;
  read: (file: string) => string;
  resolvePath: (file: string) => string;
  relativePath: (file: string) => string;
  log: (text: string) => void;
  isBasicOutput: () => boolean;
  error: (diagnostic: unknown) => void;
  getFlags: () => Record<string, boolean>;
  getConfig: () => unknown;
  verifyBytecode: (image: Uint8Array) => void;
}

interface CompilerModule {
  compileWithHost: (
    main: string,
    host: CompilerHost,
  ) => { success: boolean; binary?: Uint8Array; dbg?: unknown; diagnostics: unknown[] };
  resolveBuildConfig: (local?: unknown) => unknown;
  formatDiagnostics: (diagnostics: unknown[], basic: boolean) => string;
}

const SECTION = '// compiler/built/devicescript-compiler.node.cjs';
const NAME = 'require_devicescript_compiler_node';

const nodeRequire = createRequire(import.meta.url);
let compiler: CompilerModule | undefined;

function loadCompiler(): CompilerModule {
  if (compiler !== undefined) return compiler;
  const bundle = nodeRequire.resolve('@devicescript/cli/built/devicescript-cli.cjs');
  const text = readFileSync(bundle, 'utf8');
  const prelude = text.slice(0, text.indexOf('\n// '));
  const begin = text.indexOf(SECTION);
  const end = text.indexOf('\n});\n', begin);
  if (begin < 0 || end < 0) {
    throw new Error(
      `${bundle}: this version of @devicescript/cli holds no compiler where 2.16 has it`,
    );
  }
  const body = `${prelude}\n${text.slice(begin, end)}\n});\nreturn ${NAME}();`;
  const load = compileFunction(body, ['require', '__filename', '__dirname']) as (
    ...args: unknown[]
  ) => CompilerModule;
  compiler = load(nodeRequire, bundle, bundle);
  return compiler;
}

/** The service of the tests (echo.md), as `devs build` translates it. */
function services(): unknown {
  return JSON.parse(readFileSync(new URL('services.json', import.meta.url), 'utf8'));
}

/** The program under compilation; the compiler sees it as this file. */
const MAIN = 'src/main.ts';

/**
 * Compiles a program. Imports of `@devicescript/*` come from inside the compiler.
 *
 * @param restart whether the program asks to restart at the end of its top level (`ds.restart()`)
 * @throws Error with the diagnostics
 */
export function compileSource(source: string, { restart = true } = {}): Compiled {
  const devs = loadCompiler();
  const config = devs.resolveBuildConfig({ addServices: services() });
  const diagnostics: unknown[] = [];
  const result = devs.compileWithHost(MAIN, {
    write: () => undefined,
    read: (file) => {
      if (file === MAIN || file === resolve(MAIN)) return source;
      throw new Error(`${file}: programs here stand alone`);
    },
    resolvePath: (file) => file,
    relativePath: (file) => file,
    log: () => undefined,
    isBasicOutput: () => true,
    error: (diagnostic) => void diagnostics.push(diagnostic),
    getFlags: () => ({ testHarness: restart }),
    getConfig: () => config,
    verifyBytecode: () => undefined,
  });
  if (!result.success || result.binary === undefined) {
    throw new Error(devs.formatDiagnostics(diagnostics, true));
  }
  return { image: result.binary, debug: result.dbg };
}
