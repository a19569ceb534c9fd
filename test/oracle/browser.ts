/**
 * TensorFlow Lite as its own authors compiled it (WebAssembly in @tensorflow/tfjs-tflite), run in
 * headless Chromium. The package's JavaScript wrapper picks a build by the browser's features; this
 * loads the module directly instead, so that the build without SIMD can be chosen too.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';

/** The builds of the wasm in the package that need no threads. */
export type Build = 'plain' | 'simd';

const wasmFolder = join(
  dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-tflite/package.json')),
  'wasm',
);

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const stem = (build: Build): string => `tflite_web_api_cc${build === 'simd' ? '_simd' : ''}`;

/** Serves the page and the wasm folder on a free port of this machine only. */
function serve(build: Build): Promise<Server> {
  // tsx marks functions with a helper named __name, also those that are sent to the page.
  const helper = '<script>globalThis.__name = (f) => f;</script>';
  const page = `<!doctype html>${helper}<script src="/${stem(build)}.js"></script>`;
  const server = createServer((request, response) => {
    const name = basename(request.url ?? '/');
    const file = join(wasmFolder, name);
    if (!name) return void response.setHeader('content-type', 'text/html').end(page);
    // The browser asks for an icon by itself: nothing to serve.
    if (!existsSync(file)) return void response.writeHead(204).end();
    response.setHeader(
      'content-type',
      name.endsWith('.wasm') ? 'application/wasm' : 'text/javascript',
    );
    response.end(readFileSync(file));
  });
  return new Promise((done) => server.listen(0, '127.0.0.1', () => done(server)));
}

function chromiumPath(): string {
  const path = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
  if (!existsSync(path)) {
    throw new Error(`no Chromium at ${path}; run: apt-get install chromium (or set CHROMIUM)`);
  }
  return path;
}

/** What the wasm module exports, as far as it is used here (embind objects). */
interface WasmVector<T> {
  size(): number;
  get(index: number): T;
}
interface WasmRunner {
  GetInputs(): WasmVector<{ data(): Int8Array }>;
  GetOutputs(): WasmVector<{ data(): Int8Array }>;
  Infer(): boolean;
  GetProfilingSummary(): string;
  delete(): void;
}
interface WasmModule {
  _malloc(bytes: number): number;
  _free(at: number): void;
  HEAPU8: Uint8Array;
  TFLiteWebModelRunner: {
    CreateFromBufferAndOptions(
      at: number,
      bytes: number,
      options: object,
    ): { ok(): boolean; errorMessage(): string; value(): WasmRunner };
  };
}
interface PageGlobals {
  tflite_web_api_ModuleFactory(settings: object): Promise<WasmModule>;
  tflite: WasmModule;
}

export interface BrowserRun {
  outputs: Int8Array[];
  /** TensorFlow Lite's own table of the operators that ran: shows whether XNNPACK took them. */
  profile: string;
}

const encode = (bytes: ArrayBufferView): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

interface PageJob {
  model: string;
  inputs: string;
  /** Values in one input. */
  size: number;
  /** Fed to the inputs after the first, before every run (the arena may reuse their place). */
  weights: string[];
}

/** Runs in the page. Values travel as base64, which is what survives the debugging protocol. */
function runInPage(job: PageJob): [string, string] {
  const bytes = (text: string): Uint8Array => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const wasm = (globalThis as unknown as PageGlobals).tflite;
  const file = bytes(job.model);
  const at = wasm._malloc(file.length);
  wasm.HEAPU8.set(file, at);
  const options = { numThreads: 1, enableProfiling: true, maxProfilingBufferEntries: 1024 };
  const created = wasm.TFLiteWebModelRunner.CreateFromBufferAndOptions(at, file.length, options);
  if (!created.ok()) throw new Error(created.errorMessage());
  const runner = created.value();
  const all = new Int8Array(bytes(job.inputs).buffer);
  const text: string[] = [];
  for (let from = 0; from < all.length; from += job.size) {
    job.weights.forEach((w, i) => {
      runner
        .GetInputs()
        .get(1 + i)
        .data()
        .set(new Int8Array(bytes(w).buffer));
    });
    runner
      .GetInputs()
      .get(0)
      .data()
      .set(all.subarray(from, from + job.size));
    if (!runner.Infer()) throw new Error('TensorFlow Lite reports a failed inference');
    for (const v of runner.GetOutputs().get(0).data()) text.push(String.fromCharCode(v & 255));
  }
  const profile = runner.GetProfilingSummary();
  runner.delete();
  wasm._free(at);
  return [btoa(text.join('')), profile];
}

export class BrowserTflite {
  private constructor(
    private readonly server: Server,
    private readonly browser: Browser,
    private readonly page: Page,
    readonly version: string,
    readonly log: string[],
  ) {}

  static async start(build: Build): Promise<BrowserTflite> {
    const executablePath = chromiumPath();
    const server = await serve(build);
    const browser = await chromium.launch({ executablePath, args: FLAGS });
    const page = await browser.newPage();
    const log: string[] = [];
    page.on('console', (message) => log.push(message.text()));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.evaluate(async () => {
      const globals = globalThis as unknown as PageGlobals;
      globals.tflite = await globals.tflite_web_api_ModuleFactory({});
    });
    return new BrowserTflite(server, browser, page, browser.version(), log);
  }

  async run(
    model: Uint8Array,
    inputs: Int8Array[],
    weights: Int8Array[] = [],
  ): Promise<BrowserRun> {
    const size = inputs[0]?.length ?? 0;
    const all = new Int8Array(size * inputs.length);
    inputs.forEach((input, i) => all.set(input, i * size));
    const [text, profile] = await this.page.evaluate(runInPage, {
      model: encode(model),
      inputs: encode(all),
      size,
      weights: weights.map(encode),
    });
    const outputs = Int8Array.from(Buffer.from(text, 'base64'));
    const each = outputs.length / inputs.length;
    return {
      outputs: inputs.map((_, i) => outputs.slice(i * each, (i + 1) * each)),
      profile,
    };
  }

  async stop(): Promise<void> {
    await this.browser.close();
    this.server.close();
  }
}
