/** Bad input as a maker meets it: through the command, which answers with one clear line. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import wavefile from 'wavefile';
import { main } from '../../cli/main.ts';
import { projectRoot } from '../support/data.ts';
import { smallKeywordBytes, smallKeywordModel } from '../support/models.ts';
import { Random } from '../support/random.ts';
import { TYPE, writeTflite, type ModelSpec } from '../support/tflite-writer.ts';

interface Answer {
  status: number;
  stdout: string;
  stderr: string;
}

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'retune-bad-'));
  cpSync(join(projectRoot, 'boards'), join(root, 'boards'), { recursive: true });
});
afterAll(() => rmSync(root, { recursive: true }));

/** The command in a process of its own. */
function spawned(...args: string[]): Promise<Answer> {
  const script = join(projectRoot, 'bin/retune.mjs');
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], { cwd: projectRoot }, (error, stdout, stderr) => {
      const status = error ? Number(error.code ?? -1) : 0;
      resolve({ status, stdout: String(stdout), stderr: String(stderr) });
    });
  });
}

/** The same code in this process, which saves a second each time. */
async function retune(...args: string[]): Promise<Answer> {
  const lines = { log: '', error: '' };
  const catching = (to: keyof typeof lines): void => {
    vi.spyOn(console, to).mockImplementation((line: string) => void (lines[to] += `${line}\n`));
  };
  const listeners = process.stdout.listeners('error');
  catching('log');
  catching('error');
  try {
    await main(args);
    return { status: Number(process.exitCode ?? 0), stdout: lines.log, stderr: lines.error };
  } finally {
    process.exitCode = undefined;
    for (const listener of process.stdout.listeners('error')) {
      if (!listeners.includes(listener)) process.stdout.off('error', listener as () => void);
    }
    vi.restoreAllMocks();
  }
}

const MANIFEST = {
  board: 'rp2040_pico',
  app: 'main.ts',
  model: 'model.tflite',
  modules: [] as string[],
};

/** Writes a manifest and a model into a folder. Returns the manifest's path. */
function project(model: Uint8Array, changes: object = {}): string {
  const folder = mkdtempSync(join(root, 'case-'));
  cpSync(join(root, 'boards'), join(folder, 'boards'), { recursive: true });
  writeFileSync(join(folder, 'model.tflite'), model);
  writeFileSync(join(folder, 'main.ts'), '');
  const manifest = join(folder, 'devicescript.json');
  writeFileSync(manifest, JSON.stringify({ ...MANIFEST, ...changes }));
  return manifest;
}

const build = (model: Uint8Array, changes: object = {}): Promise<Answer> =>
  retune('build', project(model, changes));

function expectOneLine(answer: Answer, ...parts: (string | RegExp)[]): void {
  expect(answer.stderr).toMatch(/^retune: [^\n]+\n$/);
  for (const part of parts) expect(answer.stderr).toMatch(part);
  expect(answer.stdout).toBe('');
  expect(answer.status).toBe(1);
}

/** The small model with 32-bit floats throughout. */
function floatModel(): ModelSpec {
  const model = smallKeywordModel();
  const tensors = model.tensors.map(({ name, shape, type, data }) => {
    if (name === 'shape') return { name, shape, type, data };
    const size = shape.reduce((a, b) => a * b, 1);
    const floats = data && new Uint8Array(new Float32Array(size).fill(0.5).buffer);
    return { name, shape, type: TYPE.float32, ...(floats ? { data: floats } : {}) };
  });
  return { ...model, tensors };
}

function withOperator(code: number, custom?: string): ModelSpec {
  const model = smallKeywordModel();
  const operators = model.operators.map((op, i) =>
    i === 3 ? { ...op, code, optionsType: 0, options: [], ...(custom ? { custom } : {}) } : op,
  );
  return { ...model, operators };
}

it('ends the process with status 1 and one line', async () => {
  const manifest = project(smallKeywordBytes().slice(0, 1000));
  expectOneLine(await spawned('build', manifest), 'model.tflite');
});

describe('a model that cannot be used', () => {
  it('truncated', async () => {
    const bytes = smallKeywordBytes();
    expectOneLine(await build(bytes.slice(0, bytes.length / 2)), 'model.tflite');
  });

  it('random bytes', async () => {
    expectOneLine(await build(new Random(3).bytes(5000)), 'model.tflite');
  });

  it('empty', async () => {
    expectOneLine(await build(new Uint8Array(0)), 'model.tflite');
  });

  it('in floating point', async () => {
    expectOneLine(await build(writeTflite(floatModel())), 'model.tflite', /FLOAT32|float/i);
  });

  it('with another input shape than the features give', async () => {
    const features = { profile: 'digits' };
    const answer = await build(smallKeywordBytes(), { features, labels: ['a', 'b', 'c', 'd'] });
    expectOneLine(answer, 'model.tflite', '9x10', '49x10');
  });

  it('with an operator that the compiler does not know', async () => {
    const answer = await build(writeTflite(withOperator(98)));
    expectOneLine(answer, 'model.tflite', 'operator 3', 'LEAKY_RELU', 'sum');
  });

  it('with a custom operator', async () => {
    const answer = await build(writeTflite(withOperator(32, 'MyOwn')));
    expectOneLine(answer, 'model.tflite', 'operator 3', 'MyOwn');
  });

  it('missing', async () => {
    expectOneLine(await build(smallKeywordBytes(), { model: 'none.tflite' }), 'none.tflite');
  });
});

describe('a manifest that cannot be built', () => {
  it('with an unknown field', async () => {
    const answer = await build(smallKeywordBytes(), { speed: 5 });
    expectOneLine(answer, 'devicescript.json', 'speed');
  });

  it('with a budget that cannot be kept', async () => {
    const answer = await build(smallKeywordBytes(), { budgets: { ram: 16 } });
    expect(answer.status).toBe(1);
    expect(answer.stderr).toMatch(/^retune: .*devicescript\.json/);
    expect(answer.stderr).toContain('16');
    expect(answer.stderr).not.toMatch(/\n\s+at /);
  });

  it('that is no JSON', async () => {
    const file = join(root, 'broken.json');
    // The message of JSON.parse quotes the text with its line breaks.
    writeFileSync(file, '{\n "board": x\n}\n');
    expectOneLine(await retune('build', file), 'broken.json', 'JSON');
  });

  it('that is not there', async () => {
    expectOneLine(await retune('build', join(root, 'absent.json')), 'absent.json');
  });
});

function wavFile(rate: number): Uint8Array {
  const wav = new wavefile.WaveFile();
  wav.fromScratch(1, rate, '16', new Array<number>(1000).fill(5));
  return wav.toBuffer();
}

/** A folder of recordings with this file as the only one. */
function wavFolder(bytes: Uint8Array): string {
  const folder = mkdtempSync(join(root, 'wav-'));
  mkdirSync(join(folder, 'one'));
  writeFileSync(join(folder, 'one', 'ann_0.wav'), bytes);
  return folder;
}

describe('recordings that cannot be read', () => {
  const evaluate = (folder: string): Promise<Answer> =>
    retune('eval', 'keyword', '--data', folder, '--json');

  it('an empty folder', async () => {
    const folder = mkdtempSync(join(root, 'empty-'));
    expectOneLine(await evaluate(folder), folder);
  });

  it('a folder that is not there', async () => {
    expectOneLine(await evaluate(join(root, 'nowhere')), 'nowhere');
  });

  it('a WAV file with another rate', async () => {
    expectOneLine(await evaluate(wavFolder(wavFile(44100))), 'ann_0.wav', '44100', '8000');
  });

  it('a WAV file with samples of no bits', async () => {
    const bytes = wavFile(8000);
    new DataView(bytes.buffer, bytes.byteOffset).setUint16(34, 0, true);
    expectOneLine(await evaluate(wavFolder(bytes)), 'ann_0.wav', 'not a WAV file');
  });

  it('a WAV file that was cut', async () => {
    expectOneLine(await evaluate(wavFolder(wavFile(8000).slice(0, 30))), 'ann_0.wav');
  });
});
