/** The native fuzz targets: what each is about, and how long a run of CI takes it. */
export interface NativeTarget {
  /** As in targets.c. */
  name: string;
  /** For the table: what is fed. */
  input: string;
  /** Files of native/ whose coverage is told: those that this input is for. */
  files: RegExp;
  /** Executions of a run without options; some 30 seconds of one core. */
  runs: number;
  /** Longest input, bytes. */
  bytes: number;
}

export const nativeTargets: NativeTarget[] = [
  {
    name: 'image',
    input: 'program images: loader, and 0.3 s of what passes it',
    files: /^vm\//,
    runs: 12_000,
    bytes: 4096,
  },
  {
    name: 'link',
    input: 'bytes on USB and UART: framing, frames, packets',
    files: /^bus\/(link|frame|bytes|queue|bus|control|device)\.c$/,
    runs: 50_000,
    bytes: 1024,
  },
  {
    name: 'bus',
    input: 'packets to a program with roles and servers',
    files: /^(bus\/(bus|device|repeat|control|queue)\.c|vm\/(role|attached|packet))/,
    runs: 1_200,
    bytes: 512,
  },
  {
    name: 'deploy',
    input: 'the deploy service, power cuts, damaged program flash',
    files: /^(bus\/(deploy|places|sha256)|store\/trust)/,
    runs: 5_000,
    bytes: 512,
  },
  {
    name: 'store',
    input: 'store on damaged flash and under power cuts, beside a model',
    files: /^store\/(store|log|space|old_format|adapter_record)\.c$/,
    runs: 4_000,
    bytes: 512,
  },
  {
    name: 'delta',
    input: 'delta files: header and the three codings',
    files: /^store\/delta_(file|decode)\.c$/,
    runs: 300_000,
    bytes: 512,
  },
  {
    name: 'install',
    input: 'deltas into slots: pieces, refusals, resets, power cuts, confirm and revert',
    files: /^store\/(delta_\w+|adapter_record|trust)\.c$/,
    runs: 8_000,
    bytes: 512,
  },
  {
    name: 'adapter',
    input: 'saved adapters of every kind',
    files: /^engine\/(adapter|adapter_blob|adapter_rows|kind_\w+|low_rank|lora)\.c$/,
    runs: 30_000,
    bytes: 512,
  },
  {
    name: 'learner',
    input: 'commands, registers and sound for capture, learner and the small modules',
    files: /^services\//,
    runs: 1_500,
    bytes: 512,
  },
];
