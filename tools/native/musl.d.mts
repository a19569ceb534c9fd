export function muslFiles(): string[];
export function flagsOf(source: string): string[];
export function labelOf(source: string): string;
