/** Plans training for an adapter. Placeholder until native/engine/adapter.h settles. */
import { RetuneError } from '../cli/error.ts';
import type { AdapterOptions, TrainingPlan } from './adapter.ts';
import type { StructType } from './layout.ts';
import type { LoweredModel } from './lower.ts';

export const adapterSchemas: StructType[] = [];

export function planTraining(model: LoweredModel, options: AdapterOptions): TrainingPlan {
  throw new RetuneError(`${model.file}: adapter method "${options.method}" is not built in yet`);
}
