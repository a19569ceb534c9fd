/** The structures of native/engine/adapter.h. */
import { i32, named, nested, pointer, struct, u32, type StructType } from './layout.ts';
import { NONE, RtReal } from './model.ts';

const HEADER = 'engine/adapter.h';
const index = named({ [NONE]: 'RT_NONE' });

export const METHOD = { head: 1, skip: 2, lora: 3 } as const;

export const RtAdapterGroup = struct('rt_adapter_group_t', HEADER, {
  rows: u32,
  columns: u32,
  first: u32,
  exponent: i32,
  spread_q8: i32,
  unit: nested(RtReal),
});

export const RtAdapterTap = struct('rt_adapter_tap_t', HEADER, { layer: u32, first: u32 });

export const RtAdapterSite = struct('rt_adapter_site_t', HEADER, {
  layer: u32,
  input_scale: nested(RtReal),
  ratio: nested(RtReal),
  inverse_weight_scale: pointer('rt_real_t'),
});

export const RtAdapterMask = struct('rt_adapter_mask_t', HEADER, { layer: u32, offset_bytes: u32 });

export const RtAdapterStep = struct('rt_adapter_step_t', HEADER, {
  layer: u32,
  site: index,
  producer: index,
  input_mask: index,
  output_mask: index,
  weights: pointer('uint32_t'),
  exponent: i32,
  weight_max: u32,
  gain_bits: u32,
});

export const RtAdapterBuffer = struct('rt_adapter_buffer_t', HEADER, {
  offset_bytes: u32,
  bytes: u32,
});

const buffer = nested(RtAdapterBuffer);

export const RtAdapterPlan = struct('rt_adapter_plan_t', HEADER, {
  method: named({
    [METHOD.head]: 'RT_ADAPTER_HEAD',
    [METHOD.skip]: 'RT_ADAPTER_SKIP',
    [METHOD.lora]: 'RT_ADAPTER_LORA',
  }),
  rank: u32,
  hash: u32,
  classes: u32,
  head_layer: u32,
  head_inputs: u32,
  logit_scale: pointer('rt_real_t'),
  inverse_logit_scale: pointer('rt_real_t'),
  head_scale: nested(RtReal),
  tap_count: u32,
  taps: pointer('rt_adapter_tap_t'),
  tap_channels: u32,
  site_count: u32,
  sites: pointer('rt_adapter_site_t'),
  step_count: u32,
  steps: pointer('rt_adapter_step_t'),
  mask_count: u32,
  masks: pointer('rt_adapter_mask_t'),
  group_count: u32,
  groups: pointer('rt_adapter_group_t'),
  parameter_count: u32,
  payload: buffer,
  vector: buffer,
  logits: buffer,
  scratch: buffer,
  lora: buffer,
  snapshot: buffer,
  state: buffer,
  residual: buffer,
  momentum: buffer,
  gradient: buffer,
  order: buffer,
  cache: buffer,
  windows: u32,
  cache_windows: u32,
  resume_layer: index,
  signal: buffer,
  pooled: buffer,
  work: buffer,
  place_count: u32,
  places: buffer,
});

export const adapterSchemas: StructType[] = [
  RtAdapterGroup,
  RtAdapterTap,
  RtAdapterSite,
  RtAdapterMask,
  RtAdapterStep,
  RtAdapterBuffer,
  RtAdapterPlan,
];
