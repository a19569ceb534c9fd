/** devicescript.json, the project's manifest (docs/manifest.md). */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { RetuneError } from '../cli/error.ts';
import { adapterSchema } from './adapter.ts';
import { readBoard, readJson, type Board } from './board.ts';
import { USUAL_DUTY } from './energy.ts';
import { featuresSchema, labelsSchema } from './features.ts';
import { describeIssue } from './zod-message.ts';

const budgetsSchema = z.strictObject({
  /** Bytes of RAM for learning: arena, labelled windows, features. */
  ram: z.int().positive().optional(),
  /** Bytes of flash for the model's tables and the adapter slots. */
  flash: z.int().positive().optional(),
  /** Mean power of the device, for the script's schedule. */
  milliwatt: z.number().positive().optional(),
});

const memorySchema = z.strictObject({
  /** Banks of the chip (pins.ts) by buffer, as the memory plan names it. */
  pin: z.record(z.string().min(1), z.string().min(1)).optional(),
});

/** What a day is like, for energy and battery life; energy.ts has the fields' meaning. */
const dutySchema = z.strictObject({
  listeningHours: z.number().min(0).max(24).default(USUAL_DUTY.listeningHours),
  windows: z.number().min(0).default(USUAL_DUTY.windows),
  bursts: z.number().min(0).default(USUAL_DUTY.bursts),
});

/** Whom the board trusts from the start; docs/security.md. */
const trustSchema = z.strictObject({
  /** File with the owner's public key. */
  owner: z.string().min(1),
  /** Programs need the owner's signature. */
  lock: z.boolean().default(false),
});

const manifestSchema = z.strictObject({
  $schema: z.string().optional(),
  /** Name of a file in boards/, without .board.json, or a path to such a file. */
  board: z.string().min(1),
  app: z.string().min(1),
  model: z.string().min(1),
  adapter: adapterSchema.optional(),
  modules: z.array(z.string().regex(/^[a-z][a-z0-9_]*$/, 'must be a name in services/')),
  budgets: budgetsSchema.optional(),
  memory: memorySchema.optional(),
  duty: dutySchema.optional(),
  trust: trustSchema.optional(),
  features: featuresSchema.optional(),
  labels: labelsSchema.optional(),
});
export type ManifestFields = z.infer<typeof manifestSchema>;

export interface Manifest extends ManifestFields {
  file: string;
  /** Folder of the manifest; paths in it are relative to this. */
  root: string;
  modelPath: string;
  appPath: string;
}

/** Reads devicescript.json. Throws one RetuneError that names the file and the field. */
export function readManifest(file: string): Manifest {
  return parseManifest(readJson(file, 'manifest'), file);
}

/** Checks the manifest's fields; `file` is for messages and for relative paths. */
export function parseManifest(json: unknown, file: string): Manifest {
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) {
    throw new RetuneError(
      `${file}: ${describeIssue(parsed.error)}; docs/manifest.md lists the fields`,
    );
  }
  const root = dirname(resolve(file));
  return {
    ...parsed.data,
    file,
    root,
    modelPath: join(root, parsed.data.model),
    appPath: join(root, parsed.data.app),
  };
}

/** The manifest's board, from boards/ beside the manifest or from a path; `name` overrides it. */
export function boardOf(manifest: Manifest, name = manifest.board): Board {
  if (name.endsWith('.json')) return existing(manifest, join(manifest.root, name));
  const folder = join(manifest.root, 'boards');
  const file = join(folder, `${name}.board.json`);
  if (existsSync(file)) return readBoard(file);
  return aliased(folder, name) ?? existing(manifest, file);
}

function existing(manifest: Manifest, file: string): Board {
  if (existsSync(file)) return readBoard(file);
  throw new RetuneError(
    `${manifest.file}: field "board": there is no ${file}; name a file in boards/`,
  );
}

function aliased(folder: string, name: string): Board | undefined {
  if (!existsSync(folder)) return undefined;
  const files = readdirSync(folder).filter((file) => file.endsWith('.board.json'));
  const boards = files.sort().map((file) => join(folder, file));
  const file = boards.find((path) => aliasIn(path) === name);
  return file === undefined ? undefined : readBoard(file);
}

/** Without checks: a broken file of another board is none of our business. */
function aliasIn(file: string): string | undefined {
  try {
    const fields = readJson(file, 'board') as { retune?: { alias?: string } };
    return fields.retune?.alias;
  } catch {
    return undefined;
  }
}

/** Modules whose specification is Jacdac's own. */
const JACDAC_MODULES = ['settings'];

/** Every other module needs its service specification. */
export function checkModules(manifest: Manifest): void {
  for (const name of manifest.modules) {
    if (JACDAC_MODULES.includes(name)) continue;
    const spec = join(manifest.root, 'services', `${name}.md`);
    if (existsSync(spec)) continue;
    throw new RetuneError(
      `${manifest.file}: field "modules": there is no services/${name}.md; ` +
        'add the service or take it off the list',
    );
  }
}
