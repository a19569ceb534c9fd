/** test/golden/dsp/mfcc.json: coefficients from the Python references. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DspProfile } from '../../native/dsp/quant.ts';
import { projectRoot } from '../support/data.ts';

export interface GoldenClip {
  profile: DspProfile;
  recording?: { folder: string; speaker: string; label: string; take: number };
  noise?: { seed: number; amplitude: number; length: number };
  coefficients: number[];
}

export const goldenClips = JSON.parse(
  readFileSync(join(projectRoot, 'test/golden/dsp/mfcc.json'), 'utf8'),
) as GoldenClip[];

export const clipName = (clip: GoldenClip): string =>
  `${clip.profile} ${Object.values(clip.recording ?? clip.noise ?? {}).join(' ')}`;
