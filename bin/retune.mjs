#!/usr/bin/env node
// The `retune` command: TypeScript is loaded as it is, there is no build step.
import { register } from 'tsx/esm/api';

register();
const { main } = await import('../cli/main.ts');
await main(process.argv.slice(2));
