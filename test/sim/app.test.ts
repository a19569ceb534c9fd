import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCheck, runSim } from '../../sim/app.ts';
import { runServe } from '../../sim/serve.ts';
import { HubConnection } from '../../sim/hub.ts';
import { Packet } from '../../sim/jacdac.ts';
import { projectRoot } from '../support/data.ts';

const programs = join(projectRoot, 'test/sim/programs');
let lines: string[];
const print = (line: string): void => void lines.push(line);

beforeEach(() => {
  lines = [];
});

/** Waits for a line, in real time: processes and sockets are at work. */
async function line(pattern: RegExp): Promise<string> {
  for (;;) {
    const found = lines.find((text) => pattern.test(text));
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('sim', () => {
  it('runs any script with the services beside it and prints its log', async () => {
    await runSim({ app: join(programs, 'hello.ts'), duration: 4, speed: Infinity, print });
    expect(lines.filter((text) => / > /.test(text))).toEqual([
      '0:00 > hello',
      '0:00 > digits at 8000 Hz',
      '0:01 > window 1',
      '0:02 > window 2',
      '0:03 > window 3',
    ]);
  });

  it('prints compile errors for a problem matcher and fails', async () => {
    const run = runSim({ app: join(programs, 'broken.ts'), print });
    await expect(run).rejects.toThrow(/broken\.ts: does not compile/);
    expect(lines).toContainEqual(
      expect.stringMatching(/^test\/sim\/programs\/broken\.ts\(4,10\): error TS2339: /),
    );
  });

  it('passes on what a script panics with', async () => {
    const run = runSim({ app: join(programs, 'panic.ts'), duration: 10, speed: Infinity, print });
    await expect(run).rejects.toThrow(/panic 60\d\d\d/);
  });

  it('refuses a file that is not there', async () => {
    const expected = /^nowhere\/nothing\.ts: no such file/;
    for (const watch of [false, true]) {
      const app = 'nowhere/nothing.ts';
      await expect(runSim({ app, watch, print })).rejects.toThrow(expected);
      await expect(runCheck(app, { watch, print })).rejects.toThrow(expected);
    }
  });

  it('says so when what is open in the editor is no program', async () => {
    expect(await runCheck(join(projectRoot, 'README.md'), { print })).toBe(false);
    expect(lines[1]).toMatch(/^README\.md\(1,1\): error: not a DeviceScript program/);
    lines = [];
    expect(await runCheck(join(projectRoot, 'sim'), { print })).toBe(false);
    expect(lines[1]).toMatch(/^sim\(1,1\): error: not a DeviceScript program/);
    lines = [];
    expect(await runCheck(join(projectRoot, 'sim/clock.ts'), { print })).toBe(false);
    expect(lines.at(-2)).toMatch(/^sim\/clock\.ts\(1,1\): error: not a DeviceScript program/);
  });

  it('prints errors in the form that the problem matcher of the editor knows', async () => {
    const tasks = readFileSync(join(projectRoot, '.vscode/tasks.json'), 'utf8');
    const matcher = (JSON.parse(tasks) as { tasks: { problemMatcher: Record<string, unknown> }[] })
      .tasks[0]?.problemMatcher as {
      pattern: Record<'file' | 'line' | 'column' | 'severity' | 'code' | 'message', number> & {
        regexp: string;
      };
      background: { beginsPattern: string; endsPattern: string };
    };
    await runCheck(join(programs, 'broken.ts'), { print });
    expect(lines[0]).toMatch(new RegExp(matcher.background.beginsPattern));
    expect(lines.at(-1)).toMatch(new RegExp(matcher.background.endsPattern));
    const { regexp, ...groups } = matcher.pattern;
    const found = lines.flatMap((text) => {
      const match = new RegExp(regexp).exec(text);
      if (match === null) return [];
      return [Object.fromEntries(Object.entries(groups).map(([key, at]) => [key, match[at]]))];
    });
    expect(found).toEqual([
      {
        file: 'test/sim/programs/broken.ts',
        line: '4',
        column: '10',
        severity: 'error',
        code: 'TS2339',
        message: expect.stringContaining('Property') as string,
      },
    ]);
  });

  it('refuses a speaker who is not in the folder', async () => {
    const data = mkdtempSync(join(tmpdir(), 'retune-people-'));
    writeFileSync(join(data, 'ann.s16'), '');
    const app = join(programs, 'hello.ts');
    await expect(runSim({ app, data, speaker: 'bob', print })).rejects.toThrow(
      `${data}: no speaker 'bob'; choose from ann`,
    );
    rmSync(data, { recursive: true });
  });
});

describe('watching', () => {
  let folder: string;

  beforeEach(() => {
    mkdirSync(join(projectRoot, '.retune'), { recursive: true });
    folder = mkdtempSync(join(projectRoot, '.retune', 'watch-'));
    copyFileSync(join(programs, 'broken.ts'), join(folder, 'app.ts'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('starts again on save, errors or not', async () => {
    const stop = new AbortController();
    const app = join(folder, 'app.ts');
    const run = runSim({ app, watch: true, print, signal: stop.signal });
    await line(/checked .*app\.ts: 1 error$/);
    writeFileSync(app, "console.log('mended');\n");
    await line(/ > mended$/);
    writeFileSync(app, "console.log('again');\n");
    await line(/ > again$/);
    stop.abort();
    await run;
  });

  it('checks on save', async () => {
    const stop = new AbortController();
    const app = join(folder, 'app.ts');
    const run = runCheck(app, { watch: true, print, signal: stop.signal });
    await line(/app\.ts\(4,10\): error/);
    writeFileSync(app, "console.log('mended');\n");
    await line(/checked .*: no errors/);
    lines = [];
    rmSync(app);
    await line(/app\.ts: no such file/);
    await line(/checked .*: 1 error$/);
    lines = [];
    writeFileSync(app, "console.log('back');\n");
    await line(/checked .*: no errors/);
    stop.abort();
    expect(await run).toBe(true);
  });
});

describe('serve', () => {
  it('joins the hub as a device with our services, and answers', async () => {
    const stop = new AbortController();
    const frames: Uint8Array[] = [];
    let client: Socket | undefined;
    const server = createServer((socket) => {
      client = socket;
      let pending = Buffer.alloc(0);
      socket.on('error', () => undefined);
      socket.on('data', (bytes) => {
        pending = Buffer.concat([pending, bytes]);
        while (pending.length > 0 && pending.length > (pending[0] as number)) {
          const end = 1 + (pending[0] as number);
          frames.push(Uint8Array.from(pending.subarray(1, end)));
          pending = pending.subarray(end);
        }
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    const run = runServe({ port, stateless: true, print, signal: stop.signal });
    await line(/connected to the hub/);

    const packets = (): Packet[] => frames.flatMap((frame) => Packet.fromFrame(frame, 0, true));
    let board: Packet | undefined;
    while (board === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      board = packets().find((packet) => packet.isAnnounce && packet.data.length > 8);
    }
    const view = new DataView(Uint8Array.from(board.data).buffer);
    const services = [4, 8, 12, 16, 20].map((at) => view.getUint32(at, true));
    expect(services.slice(0, 3)).toEqual([0x1134ea2b, 0x1b5d7c3a, 0x16c9e4b7]);

    // read a register of the learner: `classes`
    const answer = (): Packet | undefined =>
      packets().find((packet) => packet.serviceIndex === 2 && packet.serviceCommand === 0x1184);
    const request = Packet.onlyHeader(0x1184);
    request.serviceIndex = 2;
    request.deviceIdentifier = board.deviceIdentifier;
    request.isCommand = true;
    const bytes = request.toBuffer();
    client?.write(Uint8Array.from([bytes.length, ...bytes]));
    while (answer() === undefined) await new Promise((resolve) => setTimeout(resolve, 10));
    expect([...(answer()?.data ?? [])]).toEqual([10]);

    stop.abort();
    await run;
    client?.destroy();
    await new Promise((done) => server.close(done));
  });

  it('waits for a hub, and takes frames in any cut', async () => {
    const sent: Socket[] = [];
    const server = createServer((socket) => void sent.push(socket));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    const frames: number[] = [];
    const states: string[] = [];
    const hub = new HubConnection({
      port,
      onFrame: (frame) => void frames.push(frame.length),
      onState: (state) => void states.push(state),
    });
    while (sent.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const socket = sent[0] as Socket;
    const long = [0xff, 0x2c, 0x01, ...new Array<number>(300).fill(7)];
    for (const byte of [3, 1, 2, 3, ...long, 1, 9]) {
      socket.write(Uint8Array.of(byte));
      if (byte !== 7) await new Promise((resolve) => setTimeout(resolve, 2));
    }
    while (frames.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(frames).toEqual([3, 300, 1]);
    socket.destroy();
    while (!states.includes('waiting')) await new Promise((resolve) => setTimeout(resolve, 5));
    hub.close();
    await new Promise((done) => server.close(done));
  });
});
