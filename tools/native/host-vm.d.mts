export type HostVariant = 'plain' | 'trace' | 'asan' | 'stress' | 'fuzz' | 'frames';
export const hostVariants: HostVariant[];
/** Builds what has changed; returns the path of the program. */
export function buildHost(variant: HostVariant): Promise<string>;
