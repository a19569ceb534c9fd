/**
 * What a model hears: the feature profile, its normalisation, and the names of the classes. Taken
 * from the manifest, else from the metadata buffer "retune" of our own .tflite files, else
 * recognised by shape (the MLPerf Tiny keyword model).
 */
import { z } from 'zod';
import { RetuneError } from '../cli/error.ts';
import {
  DSP_COEFFS,
  DSP_FRAMES,
  DSP_PROFILES,
  DSP_PROFILE_FACTS,
  dspProfileId,
  dspQuant,
  type DspProfile,
} from '../native/dsp/quant.ts';
import { LIMIT } from './checks.ts';
import { array, i32, struct, type CDefinition, type StructTable } from './layout.ts';
import type { LoweredModel } from './lower.ts';
import { describeIssue } from './zod-message.ts';

export const RtDspQuant = struct('rt_dsp_quant_t', 'dsp/mfcc.h', {
  mean: array(i32, DSP_COEFFS),
  multiplier: array(i32, DSP_COEFFS),
  shift: array(i32, DSP_COEFFS),
  zero_point: i32,
});

const coefficients = z.array(z.number()).length(DSP_COEFFS);

export const featuresSchema = z.strictObject({
  profile: z.enum(DSP_PROFILES),
  mean: coefficients.optional(),
  std: z.array(z.number().positive()).length(DSP_COEFFS).optional(),
});
export const labelsSchema = z.array(z.string().min(1).max(32)).min(1).max(256);
const metadataSchema = z.object({
  features: featuresSchema.optional(),
  labels: labelsSchema.optional(),
});

export type FeatureOptions = z.infer<typeof featuresSchema>;

export interface Features extends FeatureOptions {
  /** Number of the profile for rt_dsp_profile(). */
  profileId: number;
  sampleRate: number;
  /** The compiled rt_dsp_quant_t, named rt_features. */
  table: StructTable;
}

const MLPERF_LABELS = 'down go left no off on right stop up yes silence unknown'.split(' ');
const METADATA_NAME = 'retune';

interface Known {
  features?: FeatureOptions;
  labels?: string[];
}

/** Features and labels of a model; `given` comes from the manifest and wins. */
export function resolveFeatures(
  model: LoweredModel,
  given: Known,
): { features?: Features; labels: string[] } {
  const own = metadataOf(model) ?? recognised(model) ?? {};
  const options = given.features ?? own.features;
  const named = given.labels ?? own.labels;
  if (named !== undefined) checkLabels(model, named);
  const labels = named ?? numbered(model);
  return options === undefined ? { labels } : { features: compiled(model, options), labels };
}

function metadataOf(model: LoweredModel): Known | undefined {
  const bytes = model.metadata.get(METADATA_NAME);
  if (bytes === undefined) return undefined;
  const fail = (what: string): RetuneError =>
    new RetuneError(
      `${model.file}: metadata "${METADATA_NAME}": ${what}; write it again with models/digits`,
    );
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw fail('is not JSON');
  }
  const parsed = metadataSchema.safeParse(json);
  if (!parsed.success) throw fail(describeIssue(parsed.error));
  return parsed.data;
}

/** The MLPerf Tiny keyword model: 49 x 10 to 12 classes. */
function recognised(model: LoweredModel): Known | undefined {
  const input = model.tensors[model.inputTensor];
  const output = model.tensors[model.outputTensor];
  const keyword =
    input?.height === DSP_FRAMES &&
    input.width === DSP_COEFFS &&
    input.channels === 1 &&
    output?.channels === MLPERF_LABELS.length;
  return keyword ? { features: { profile: 'mlperf-kws' }, labels: MLPERF_LABELS } : undefined;
}

/** Classes without names; a model that ends in anything else than scores has no classes. */
function numbered(model: LoweredModel): string[] {
  const output = model.tensors[model.outputTensor];
  if (output === undefined || output.bytes > LIMIT.classes) return [];
  const row = output.height === 1 && output.width === 1;
  return Array.from({ length: row ? output.channels : 0 }, (_, i) => String(i));
}

function checkLabels(model: LoweredModel, labels: string[]): void {
  const output = model.tensors[model.outputTensor];
  if (output?.bytes !== labels.length) {
    throw new RetuneError(
      `${model.file}: there are ${labels.length} labels for ${output?.bytes ?? 0} outputs; ` +
        'give one label an output in "labels"',
    );
  }
  const twice = labels.find((label, i) => labels.indexOf(label) !== i);
  if (twice !== undefined) {
    throw new RetuneError(`${model.file}: the label "${twice}" stands twice; name it once`);
  }
}

function compiled(model: LoweredModel, options: FeatureOptions): Features {
  const input = model.tensors[model.inputTensor];
  if (input === undefined) throw new Error('a model has an input');
  if (input.bytes !== DSP_FRAMES * DSP_COEFFS) {
    throw new RetuneError(
      `${model.file}: tensor "${input.name}": the input has ` +
        `${input.height}x${input.width}x${input.channels} values, but the features ` +
        `"${options.profile}" give ${DSP_FRAMES}x${DSP_COEFFS}x1; ` +
        'use a model for these features, or leave "features" out',
    );
  }
  return {
    ...options,
    profileId: dspProfileId(options.profile),
    sampleRate: DSP_PROFILE_FACTS[options.profile].rateHz,
    table: quantTable(model, options, input.scale, input.zeroPoint),
  };
}

function quantTable(
  model: LoweredModel,
  options: FeatureOptions,
  scale: number,
  zeroPoint: number,
): StructTable {
  try {
    const quant = dspQuant({ mean: options.mean, std: options.std, scale, zeroPoint });
    const { mean, multiplier, shift } = quant;
    return {
      name: 'rt_features',
      type: RtDspQuant,
      values: [{ mean, multiplier, shift, zero_point: quant.zeroPoint }],
      comment: `From the coefficients of profile ${options.profile} to the model's int8 input.`,
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RetuneError(`${model.file}: ${reason}; check mean and std in the features`);
  }
}

const symbolOf = (profile: DspProfile): string => `rt_dsp_profile_${profile.replace('-', '_')}`;

/** What only the C source has: the profile by name, and the labels. */
export function featureSource(features: Features | undefined, labels: string[]): CDefinition[] {
  const names = labels.map((label) => `  ${JSON.stringify(label)},`);
  const definitions: CDefinition[] = [
    {
      lines: [
        `const uint32_t rt_label_count = ${labels.length}u;`,
        `const char *const rt_labels[${Math.max(1, labels.length)}] = {`,
        ...(names.length > 0 ? names : ['  NULL,']),
        '};',
      ],
    },
  ];
  if (features !== undefined) {
    const line = `const rt_dsp_profile_t *const rt_features_profile = &${symbolOf(features.profile)};`;
    definitions.unshift({ header: 'dsp/mfcc.h', lines: [line] });
  }
  return definitions;
}
