/** What is measured: a loop of N turns in a function, so that its variables are locals. */
export interface BenchProgram {
  name: string;
  /** What one turn does. */
  what: string;
  setup: string;
  /** Statements with the number of turns as N. */
  body: string;
  /** Whether the figure is a cost for each turn (without the loop's own) or for each opcode. */
  per: 'turn' | 'opcode';
  /** At most so many cycles on the RP2040; without: told, not judged. */
  target?: number;
  /** The target is known to be out of reach as yet: said in the table, but no failure. */
  isUnmet?: boolean;
  /** What upstream's VM takes: instructions on a Cortex-M0+, from the project's reference. */
  upstream?: number;
  /** The body waits: the bus runs, and time is skipped. */
  waits?: boolean;
  /** What a turn does beside what is measured: it is taken off. */
  rest?: string;
}

export const programs: BenchProgram[] = [
  {
    name: 'integer loop',
    what: 's = (s + (i & 3)) | 0',
    setup: '',
    body: 'let s = 0; for (let i = 0; i < N; ++i) { s = (s + (i & 3)) | 0 }',
    per: 'opcode',
    target: 40,
    upstream: 149,
  },
  {
    name: 'method call',
    what: 'a.add(i), which does this.x = this.x + d and returns this.y',
    setup: `class A {
  x = 0;
  y = 1;
  add(d: number) { this.x = this.x + d; return this.y }
}
const a = new A()`,
    body: 'for (let i = 0; i < N; ++i) { a.add(i) }',
    per: 'turn',
    target: 1000,
    upstream: 25_800,
  },
  {
    name: 'function call',
    what: 'f(i, 2)',
    setup: 'function f(a: number, b: number) { return a }',
    body: 'for (let i = 0; i < N; ++i) { f(i, 2) }',
    per: 'opcode',
    upstream: 305,
  },
  {
    name: 'buffer bytes',
    what: 'b[i & 63] = b[(i + 1) & 63]',
    setup: 'const b = Buffer.alloc(64)',
    body: 'for (let i = 0; i < N; ++i) { b[i & 63] = b[(i + 1) & 63] }',
    per: 'opcode',
    target: 60,
    upstream: 176,
  },
  {
    name: 'push and read',
    what: 'a.push(i) and a.length',
    setup: 'let a: number[] = []',
    body: 'for (let i = 0; i < N; ++i) { a.push(i); if (a.length > 50) a = [] }',
    per: 'opcode',
    upstream: 191,
  },
  {
    name: 'string concatenation',
    what: 's = "abc" + "def" + i',
    setup: 'let s = ""',
    body: 'for (let i = 0; i < N; ++i) { s = "abc" + "def" + i }',
    per: 'opcode',
    target: 250,
    upstream: 740,
  },
  {
    name: 'fractions',
    what: 's = s * 1.0001 + 0.25',
    setup: '',
    body: 'let s = 0.5; for (let i = 0; i < N; ++i) { s = s * 1.0001 + 0.25 }',
    per: 'opcode',
    upstream: 268,
  },
  {
    name: 'role round trip',
    what: 'a register of a C service in the same firmware is asked for and answered',
    setup: 'const led = new ds.LightBulb("led")\nawait ds.sleep(2000)',
    body: 'for (let i = 0; i < N; ++i) { await led.intensity.read(); await ds.sleep(600) }',
    per: 'turn',
    target: 6250,
    waits: true,
    rest: 'await ds.sleep(600)',
  },
  {
    name: 'command with report',
    what: 'a command to a C service; its report resumes the fiber that asked',
    setup: `const led = new ds.LightBulb("led")
let asking: any
;(led as any)._onPacket = async (packet: any) => {
  if (packet && asking) { const fiber = asking; asking = undefined; fiber.resume(packet) }
}
async function ask() { asking = ds.Fiber.self(); await led.sendCommand(0x1001); return await ds.suspend() }
await ds.sleep(2000)`,
    body: 'for (let i = 0; i < N; ++i) await ask()',
    per: 'turn',
    target: 6250,
    isUnmet: true,
    waits: true,
  },
  {
    name: 'ds.actionReport',
    what: "the same through the npm library's own function, which is TypeScript",
    setup: `const led = new ds.LightBulb("led")
async function ask() {
  return await ds.actionReport(led, "intensity" as any, async () => { await led.sendCommand(0x1001) })
}
await ds.sleep(2000)`,
    body: 'for (let i = 0; i < N; ++i) await ask()',
    per: 'turn',
    waits: true,
  },
];

/** The loop itself, to be taken off where the figure is for a turn. */
export function emptyTurn(program: BenchProgram): BenchProgram {
  const rest = program.rest ?? '';
  return { ...program, body: `for (let i = 0; i < N; ++i) { ${rest} }` };
}

export function sourceOf({ setup, body, waits }: BenchProgram, turns: number): string {
  return `import * as ds from '@devicescript/core'
${setup}
${waits ? 'async ' : ''}function bench(N: number) { ${body} }
${waits ? 'await ' : ''}bench(${turns})
`;
}

/**
 * fib(20) by plain calls, so many times. In parts with a sleep between: the official VM stops a
 * program after 131,072 opcodes without one.
 */
export function fibonacci(rounds: number): string {
  return `import * as ds from '@devicescript/core'
function fib(n: number): number { return n < 2 ? n : fib(n - 1) + fib(n - 2) }
let sum = 0
for (let i = 0; i < ${rounds}; ++i) {
${[18, 17, 17, 16].map((n) => `  sum += fib(${n}); await ds.sleep(1)`).join('\n')}
}
console.log(sum)
ds.restart()
`;
}
