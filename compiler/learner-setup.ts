/**
 * rt_learner_setup of native/services/learner_setup.h as C source, behind the tables of emit-c.ts in
 * the same file: the model for the modules capture and learner, and all memory that they work in.
 */
import { basename } from 'node:path';
import {
  DSP_COEFFS,
  DSP_FRAMES,
  DSP_PROFILE_CYCLES,
  DSP_PROFILE_FACTS,
} from '../native/dsp/quant.ts';
import type { CompiledModel } from './compile.ts';
import { buildImage } from './emit-image.ts';

/** RT_LEARNER_RECENT: windows that command `remember` can still reach. */
const RECENT_WINDOWS = 8;
/** Of rt_window_head_t. */
const WINDOW_HEAD_BYTES = 4;
const INPUT_BYTES = DSP_FRAMES * DSP_COEFFS;

/** Of native/hal/rp2040/link.ld: the arena whose end lies in a bank. */
const PINNED_SECTION = '.pinned_arena';

const align4 = (bytes: number): number => (bytes + 3) & ~3;

/** A 4-aligned piece of memory; its name begins as the memory report expects. */
const memory = (name: string, bytes: number, section?: string): string => {
  const place = section === undefined ? '' : ` __attribute__((section("${section}")))`;
  return `static uint32_t rt_arena${name}[${align4(bytes) / 4}]${place};`;
};

/** The source; without a model, or for one without features, the one of a firmware that learns nothing. */
export function learnerSetupSource(compiled: CompiledModel | undefined): string {
  const features = compiled?.features;
  const parts =
    compiled === undefined || features === undefined
      ? ['const rt_learner_setup_t *rt_learner_setup = NULL;']
      : setup(compiled, features.profile);
  return ['#include "services/learner_setup.h"', ...parts].join('\n\n') + '\n';
}

function setup(
  compiled: CompiledModel,
  profile: NonNullable<CompiledModel['features']>['profile'],
): string[] {
  const { description, training, labels, file, arenaBytes, plan } = compiled;
  const { clipSamples, mels } = DSP_PROFILE_FACTS[profile];
  const { sample, frame, window } = DSP_PROFILE_CYCLES[profile];
  const windows = Math.max(1, training?.windows ?? 0);
  const modelBytes = buildImage(description, 0).bytes.length;
  return [
    [
      memory('', arenaBytes, plan.bank && PINNED_SECTION),
      memory('_windows', windows * (WINDOW_HEAD_BYTES + align4(INPUT_BYTES))),
      memory('_recent', RECENT_WINDOWS * INPUT_BYTES),
      `static uint32_t rt_arena_features[(RT_DSP_MEMORY_BYTES(${mels}, RT_DSP_RING_SAMPLES) + 3) / 4];`,
      `static int16_t rt_arena_audio[RT_CAPTURE_AUDIO_SAMPLES(${clipSamples})];`,
      `static rt_learner_place_t rt_arena_places[${training?.places ?? 1}];`,
    ].join('\n'),
    [
      'static const rt_learner_model_t learner_model = {',
      '  .model = &rt_model,',
      `  .name = ${JSON.stringify(basename(file, '.tflite'))},`,
      `  .model_bytes = ${modelBytes}u,`,
      `  .label_count = ${labels.length}u,`,
      '  .labels = rt_labels,',
      `  .profile = &rt_dsp_profile_${profile.replace('-', '_')},`,
      `  .profile_name = ${JSON.stringify(profile)},`,
      '  .quant = &rt_features,',
      `  .sample_cycles = ${sample}u,`,
      `  .frame_cycles = ${frame}u,`,
      `  .window_cycles = ${window}u,`,
      '};',
    ].join('\n'),
    [
      'static const rt_learner_setup_t learner_setup = {',
      '  .models = &learner_model,',
      '  .model_count = 1,',
      '  .arena = rt_arena,',
      '  .arena_bytes = sizeof rt_arena,',
      '  .windows = rt_arena_windows,',
      '  .windows_bytes = sizeof rt_arena_windows,',
      '  .recent = rt_arena_recent,',
      '  .recent_bytes = sizeof rt_arena_recent,',
      '  .features = rt_arena_features,',
      '  .features_bytes = sizeof rt_arena_features,',
      '  .audio = rt_arena_audio,',
      '  .audio_samples = sizeof rt_arena_audio / sizeof rt_arena_audio[0],',
      '  .places = rt_arena_places,',
      `  .place_count = ${training?.places ?? 1},`,
      '};',
    ].join('\n'),
    'const rt_learner_setup_t *rt_learner_setup = &learner_setup;',
  ];
}
