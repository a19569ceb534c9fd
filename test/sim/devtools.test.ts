import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { deployProgram } from '../../sim/deploy.ts';
import { HUB_WEBSOCKET_PORT } from '../../sim/hub.ts';
import { identifier } from '../../sim/serve.ts';
import { WebSocketClient } from '../../sim/websocket.ts';
import { projectRoot } from '../support/data.ts';

/**
 * The official tools as npm has them: `devs devtools` in a project of its own, asked over its
 * WebSocket, as VS Code does it, to start our simulator. Its ports are fixed, so there is one of them.
 */
const DEVICE = 'retune-devtools-test';
const PROGRAM = `let n = 0;
setInterval(async () => {
  n++;
  console.log(\`WORD \${n}\`);
}, 100);
`;

let folder: string;
let devtools: ChildProcess;
let editor: WebSocketClient;
const lines: string[] = [];
let said: (() => void)[] = [];

/** A line of the tools' output, written after the call. */
async function line(pattern: RegExp): Promise<string> {
  for (let seen = lines.length; ;) {
    for (; seen < lines.length; seen++) {
      if (pattern.test(lines[seen] as string)) return lines[seen] as string;
    }
    await new Promise<void>((resolve) => void said.push(resolve));
  }
}

function write(word: string): void {
  writeFileSync(join(folder, 'main.ts'), PROGRAM.replace('WORD', word));
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'retune-devtools-'));
  symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'), 'junction');
  writeFileSync(join(folder, 'devsconfig.json'), '{}');
  write('first');
  const cli = join(projectRoot, 'node_modules/@devicescript/cli/devicescript');
  const watching = line(/^watching main\.ts/);
  devtools = spawn(process.execPath, [cli, '--no-colors', 'devtools', 'main.ts'], { cwd: folder });
  for (const stream of [devtools.stdout, devtools.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (text) => {
      lines.push(text);
      for (const wake of said.splice(0)) wake();
    });
  }
  await watching;
});

afterAll(async () => {
  editor?.sendText(JSON.stringify({ req: 'stopVM', seq: 9, data: {} }));
  await new Promise((resolve) => setTimeout(resolve, 300));
  editor?.close();
  devtools?.kill();
  said = [];
  rmSync(folder, { recursive: true, force: true });
});

it('devs devtools starts our simulator, deploys what was changed and shows its console', async () => {
  const connected = line(/^tcpclient: connected/);
  const nativePath = join(projectRoot, 'bin/retune-simulator.mjs');
  const data = { nativePath, deviceId: DEVICE, stateless: true };
  editor = new WebSocketClient({
    port: HUB_WEBSOCKET_PORT,
    onOpen: () => editor.sendText(JSON.stringify({ req: 'startVM', seq: 1, data })),
  });
  await connected;

  const deployed = line(/^deploy status: OK/);
  const log = line(/^VM> second 1$/);
  // until the device is listed, the tools say that there is none
  for (let listed = false; !listed;) {
    const status = line(/^deploy status:/);
    write('second');
    listed = (await status).endsWith('OK');
  }
  await deployed;
  expect(await log).toBe('VM> second 1');

  const next = line(/^VM> third 2$/);
  const again = line(/^deploy status: OK/);
  write('third');
  await again;
  expect(await next).toBe('VM> third 2');

  // from the terminal, over the same hub, to the same device
  const fourth = line(/^VM> fourth 1$/);
  const file = join(folder, 'fourth.ts');
  writeFileSync(file, `import '@devicescript/core';\n${PROGRAM.replace('WORD', 'fourth')}`);
  const result = await deployProgram(file, { device: identifier(DEVICE) });
  expect(result.device).toBe(identifier(DEVICE));
  expect(await fourth).toBe('VM> fourth 1');
});
