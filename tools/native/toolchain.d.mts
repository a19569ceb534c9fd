export const root: string;
export const buildDir: string;
export const WARNINGS: string[];
export function zig(args: string[], cwd?: string): Promise<string>;
export function cFiles(folder: string): string[];
export function portableSources(): string[];
export function outputDir(name: string): string;
export function clangInclude(): Promise<string>;
export function compileAll(
  sources: string[],
  flags: string[],
  folder: string,
  driver?: string,
): Promise<{ source: string; object: string }[]>;
export function nameOf(source: string): string;
