/** Zig sources of native/ among the C sources: compiled for the same core, without a run-time library. */

export const isZig = (source) => source.endsWith('.zig');

/** Ed25519; --gc-sections drops it where nothing refers to it. */
export const ED25519 = 'native/store/ed25519.zig';

/** What the flags for the C compiler say of the core; without: this computer's. */
function coreOf(flags) {
  const at = flags.indexOf('-target');
  const target = at < 0 ? 'native' : (flags[at + 1] ?? '');
  const core = flags.filter((flag) => flag.startsWith('-mcpu='));
  // The system's compiler links programs that may lie anywhere.
  return ['-target', target, ...core, ...(target.includes('freestanding') ? [] : ['-fPIC'])];
}

/**
 * Arguments of zig that make an object of a Zig source. Small rather than fast: what is written in
 * Zig runs once an install.
 */
export function zigObjectArguments(source, object, flags) {
  return [
    ...['build-obj', source, ...coreOf(flags), '-O', 'ReleaseSmall', '-fstrip'],
    ...['-fsingle-threaded', '-ffunction-sections', `-femit-bin=${object}`],
  ];
}
