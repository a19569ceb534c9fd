/** A model on the emulated chip: as class Engine (sim/engine.ts), with the model's tables in flash. */
import { buildImage } from '../../compiler/emit-image.ts';
import type { CompiledModel } from '../../compiler/compile.ts';
import { featureCycles } from '../../sim/cycles.ts';
import { FeatureExtractor } from '../../sim/features.ts';
import { Training } from '../../sim/training.ts';
import { ChipFirmware } from './firmware.ts';

const FLASH = 0x10000000;
/** Where the model's tables go: behind anything that the code could fill. */
const MODEL = FLASH + 0x100000;
/** As class FeatureExtractor takes. */
const RING_SAMPLES = 1024;
const NO_BUDGET = 0x7fffffff;

export class ChipEngine {
  readonly firmware: ChipFirmware;
  readonly training: Training;
  private readonly extractor: FeatureExtractor;
  private readonly engine: number;
  private readonly input: number;
  private readonly output: number;
  private readonly outputBytes: number;

  /** @param elf an image of buildFirmware; `compiled` needs an adapter and a feature profile */
  constructor(
    elf: string,
    private readonly compiled: CompiledModel,
  ) {
    const firmware = new ChipFirmware(elf);
    this.firmware = firmware;
    const { model, description, arenaBytes, features, file } = compiled;
    const output = model.tensors[model.outputTensor];
    if (!features || !output) throw new Error(`${file}: no features, or no output`);
    const image = buildImage(description, MODEL);
    firmware.machine.chip.flash.set(image.bytes, MODEL - FLASH);
    const arena = firmware.allocate(arenaBytes);
    this.engine = firmware.allocate(firmware.call('rt_sim_engine_bytes'));
    firmware.check(file, 'rt_engine_init', this.engine, MODEL, arena, arenaBytes);
    this.input = firmware.call('rt_engine_tensor', this.engine, model.inputTensor);
    this.output = firmware.call('rt_engine_tensor', this.engine, model.outputTensor);
    this.outputBytes = output.bytes;
    this.training = new Training(firmware, file, this.engine, output.bytes);
    const quant = MODEL + (image.symbols['rt_features'] ?? 0);
    this.extractor = new FeatureExtractor(firmware, features.profile, features.profileId, quant);
    firmware.lap();
  }

  features(pcm: Int16Array): Int8Array {
    return this.extractor.clip(pcm);
  }

  /** The int8 output of a whole inference. */
  infer(input: Int8Array): Int8Array {
    this.show(input);
    this.firmware.call('rt_engine_begin', this.engine);
    this.firmware.check('inference', 'rt_engine_run', this.engine, NO_BUDGET);
    return this.firmware.i8(this.output, this.outputBytes).slice();
  }

  /** Puts a window into the input tensor without running it. */
  show(input: Int8Array): void {
    this.firmware.i8(this.input, input.length).set(input);
  }

  /** Cycles of what `work` calls. */
  count(work: () => unknown): number {
    this.firmware.lap();
    work();
    return this.firmware.lap().cycles;
  }

  /** Cycles of the features of a window as the simulator expects them. */
  get featureCycles(): number {
    return featureCycles(this.extractor.profile);
  }

  /** Memory of the features, without the clip that only a bench keeps. */
  get featureBytes(): number {
    const { profile } = this.extractor;
    const table = this.firmware.address(`rt_dsp_profile_${profile.replace('-', '_')}`);
    const state = this.firmware.call('rt_dsp_state_bytes');
    return state + this.firmware.call('rt_dsp_memory_bytes', table, RING_SAMPLES);
  }

  /** Engine, adapter, trainer and parameters. */
  get structureBytes(): number {
    const names = ['engine', 'adapter', 'trainer', 'params'];
    return names.reduce((sum, name) => sum + this.firmware.call(`rt_sim_${name}_bytes`), 0);
  }

  /** Cycles of an inference as the firmware estimates them, adapter included. */
  get inferenceCycles(): number {
    const { layers, tensors } = this.compiled.model;
    const { adapter } = this.training.internals;
    return layers.reduce((sum, layer, index) => {
      const rows = tensors[layer.output]?.height ?? 0;
      return sum + rows * this.firmware.call('rt_adapter_row_cycles', adapter, index);
    }, 0);
  }

  /** rt_train_phase_t of the trainer. */
  get phase(): number {
    return this.firmware.call('rt_sim_trainer_phase', this.training.internals.trainer);
  }
}
