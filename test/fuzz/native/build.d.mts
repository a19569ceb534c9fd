export function buildFuzz(variant: 'fuzzer' | 'replay'): Promise<string>;
