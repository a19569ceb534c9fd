/** npm run fuzz:guided: registers the hooks that count branches, then starts main.ts. */
import { register } from 'node:module';

globalThis.retuneBranches = { counts: new Uint8Array(1 << 16), modules: [] };
register('./hooks.mjs', import.meta.url);
await import('./main.ts');
