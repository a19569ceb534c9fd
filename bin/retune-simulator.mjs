#!/usr/bin/env node
// The simulator as DeviceScript's tools start one: `<path> -w 8082 -d:ID`. For the setting
// `devicescript.simulator.nativePath` of VS Code; see docs/vscode.md.
import { register } from 'tsx/esm/api';

register();
const { main } = await import('../cli/main.ts');
await main(['serve', ...process.argv.slice(2)]);
