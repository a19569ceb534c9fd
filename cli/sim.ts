import type { Command } from 'commander';
export function addStartCommand(_program: Command): void {}
export function addSimCommand(_program: Command): void {}
