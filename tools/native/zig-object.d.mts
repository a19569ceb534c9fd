export const ED25519: string;
export function isZig(source: string): boolean;
export function zigObjectArguments(source: string, object: string, flags: string[]): string[];
