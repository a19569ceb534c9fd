/**
 * Random programs of the differential suite: a seed gives one program that ends, prints what it
 * computes, and stays within what the official compiler takes.
 *
 * Left out on purpose, because the official VM's answer is a defect or depends on addresses: bit
 * operators on infinities, comparing strings by order, printing objects inside error messages.
 */

type Type = 'int' | 'num' | 'bool' | 'str' | 'ints' | 'rec';

interface Variable {
  name: string;
  type: Type;
  isConstant?: boolean;
}

interface Callable {
  name: string;
  parameters: Type[];
  result: Type;
}

const TYPE_NAMES: Record<Type, string> = {
  int: 'number',
  num: 'number',
  bool: 'boolean',
  str: 'string',
  ints: 'number[]',
  rec: 'Rec',
};
const ALL: Type[] = ['int', 'num', 'bool', 'str', 'ints', 'rec'];
const STRINGS = [
  '',
  'a',
  'abc',
  'Hello',
  'ä',
  '日本',
  '😀',
  'x y',
  'k1',
  '0',
  '-12',
  '3.5',
  'a,b,c',
];
const NUMBERS = [
  '0',
  '1',
  '-1',
  '0.5',
  '-0.25',
  '3.75',
  '1e6',
  '1e-3',
  '123456.5',
  '-7.125',
  '2147483647',
  '1e12',
];
const INTEGERS = [
  '0',
  '1',
  '2',
  '3',
  '-1',
  '-2',
  '7',
  '10',
  '16',
  '31',
  '100',
  '255',
  '-128',
  '1000',
  '65535',
  '2147483647',
  '-2147483648',
];

class Generator {
  private readonly lines: string[] = [];
  private indent = 0;
  private scope: Variable[] = [];
  private readonly callables: Callable[] = [];
  private count = 0;
  private loops = 0;
  private state: number;

  constructor(seed: number) {
    this.state = (seed * 2654435761) >>> 0;
  }

  private random(limit: number): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  }

  private pick<T>(list: readonly T[]): T {
    return list[this.random(list.length)] as T;
  }

  private chance(percent: number): boolean {
    return this.random(100) < percent;
  }

  private line(text: string): void {
    this.lines.push('  '.repeat(this.indent) + text);
  }

  private name(prefix: string): string {
    return `${prefix}${this.count++}`;
  }

  // ---- Expressions ----

  private variable(type: Type, assignable = false): string | undefined {
    const fits = this.scope.filter((v) => v.type === type && !(assignable && v.isConstant));
    return fits.length === 0 ? undefined : this.pick(fits).name;
  }

  private expression(type: Type, depth: number): string {
    const variable = this.variable(type);
    if (variable !== undefined && this.chance(depth <= 0 ? 70 : 30)) return variable;
    if (depth > 0 && this.chance(12)) {
      const call = this.call(type, depth - 1);
      if (call !== undefined) return call;
    }
    if (depth <= 0) return this.literal(type);
    const make: Record<Type, () => string> = {
      int: () => this.integer(depth - 1),
      num: () => this.number(depth - 1),
      bool: () => this.boolean(depth - 1),
      str: () => this.text(depth - 1),
      ints: () => this.integers(depth - 1),
      rec: () => this.record(depth - 1),
    };
    return make[type]();
  }

  private literal(type: Type): string {
    switch (type) {
      case 'int':
        return this.parenthesised(this.pick(INTEGERS));
      case 'num':
        return this.parenthesised(this.pick(NUMBERS));
      case 'bool':
        return this.pick(['true', 'false']);
      case 'str':
        return JSON.stringify(this.pick(STRINGS));
      case 'ints':
        return `[${Array.from({ length: 1 + this.random(4) }, () => this.pick(INTEGERS)).join(', ')}]`;
      case 'rec':
        return `{ n: ${this.pick(INTEGERS)}, s: ${JSON.stringify(this.pick(STRINGS))}, l: [${this.pick(INTEGERS)}] }`;
    }
  }

  private parenthesised(number: string): string {
    return number.startsWith('-') ? `(${number})` : number;
  }

  private call(type: Type, depth: number): string | undefined {
    const fits = this.callables.filter((f) => f.result === type);
    // calls multiply with each other: few of them, none in loops within loops
    if (fits.length === 0 || this.loops > 1) return undefined;
    const f = this.pick(fits);
    return `${f.name}(${f.parameters.map((p) => this.expression(p, depth - 1)).join(', ')})`;
  }

  private integer(depth: number): string {
    const a = (): string => this.expression('int', depth);
    switch (this.random(14)) {
      case 0:
        return `((${a()} + ${a()}) | 0)`;
      case 1:
        return `((${a()} - ${a()}) | 0)`;
      case 2:
        return `Math.imul(${a()}, ${a()})`;
      case 3:
        return `(${a()} ${this.pick(['&', '|', '^'])} ${a()})`;
      case 4:
        return `(${a()} ${this.pick(['<<', '>>'])} ${this.random(33)})`;
      case 5:
        return `((${a()} >>> ${1 + this.random(31)}) | 0)`;
      case 6:
        return `~${a()}`;
      case 7:
        return `${this.expression('ints', depth)}.length`;
      case 8:
        return `${this.expression('str', depth)}.length`;
      case 9:
        return `(${this.expression('bool', depth)} ? ${a()} : ${a()})`;
      case 10:
        return `(${this.expression('ints', depth)}[${this.random(5)}] | 0)`;
      case 11:
        return `${this.expression('rec', depth)}.n`;
      case 12:
        return `Math.idiv(${a()}, ${this.pick(['1', '2', '3', '-3', '7', '1000'])})`;
      default:
        return `(${a()} % ${this.pick(['2', '3', '7', '16', '1000', '-5'])})`;
    }
  }

  private number(depth: number): string {
    const a = (): string => this.expression(this.chance(60) ? 'num' : 'int', depth);
    switch (this.random(10)) {
      case 0:
        return `(${a()} + ${a()})`;
      case 1:
        return `(${a()} - ${a()})`;
      case 2:
        return `(${a()} * ${a()})`;
      case 3:
        return `(${a()} / ${this.pick(['2', '4', '3', '0.5', '-8', '10'])})`;
      case 4:
        return `Math.${this.pick(['floor', 'ceil', 'round', 'abs'])}(${a()})`;
      case 5:
        return `Math.${this.pick(['min', 'max'])}(${a()}, ${a()})`;
      case 6:
        return `(-${a()})`;
      case 7:
        return `(${this.expression('bool', depth)} ? ${a()} : ${a()})`;
      case 8:
        return `Math.sqrt(Math.abs(${a()}))`;
      default:
        return `(${a()} >>> ${this.random(4)})`.replace(
          /^\((.*) >>>/,
          () => `(${this.expression('int', depth)} >>>`,
        );
    }
  }

  private boolean(depth: number): string {
    const compare = this.pick(['<', '<=', '>', '>=', '===', '!==']);
    switch (this.random(7)) {
      case 0:
        return `((${this.expression('int', depth)} as number) ${compare} ${this.expression('int', depth)})`;
      case 1:
        return `((${this.expression('num', depth)} as number) ${compare} ${this.expression('num', depth)})`;
      case 2:
        return `((${this.expression('str', depth)} as string) ${this.pick(['===', '!=='])} ${this.expression('str', depth)})`;
      case 3:
        return `!${this.expression('bool', depth)}`;
      case 4:
        return `(${this.expression('bool', depth)} && ${this.expression('bool', depth)})`;
      case 5:
        return `(${this.expression('bool', depth)} || ${this.expression('bool', depth)})`;
      default:
        return `isNaN(${this.expression('num', depth)})`;
    }
  }

  private text(depth: number): string {
    const s = (): string => this.expression('str', depth);
    switch (this.random(8)) {
      case 0:
        return `(${s()} + ${s()})`;
      case 1:
        return `('' + ${this.expression(this.pick<Type>(['int', 'num', 'bool', 'str']), depth)})`;
      case 2:
        return `${s()}.slice(${this.random(7) - 3}${this.chance(50) ? `, ${this.random(9) - 4}` : ''})`;
      case 3:
        return `${s()}.${this.pick(['toUpperCase', 'toLowerCase'])}()`;
      case 4:
        return `${s()}.charAt(${this.random(4)})`;
      case 5:
        return `${this.expression('ints', depth)}.join(${JSON.stringify(this.pick(['', ',', '-']))})`;
      case 6:
        return `${this.expression('rec', depth)}.s`;
      default:
        return `(${this.expression('bool', depth)} ? ${s()} : ${s()})`;
    }
  }

  private integers(depth: number): string {
    const l = (): string => this.expression('ints', depth);
    switch (this.random(6)) {
      case 0:
        return `${l()}.slice(${this.random(3)})`;
      case 1:
        return `${l()}.map(e => (e * ${1 + this.random(4)} + ${this.random(9)}) | 0)`;
      case 2:
        return `${l()}.filter(e => e ${this.pick(['>', '<', '!=='])} ${this.random(50)})`;
      case 3:
        return `${this.expression('rec', depth)}.l`;
      case 4:
        return `[${this.expression('int', depth)}, ${this.expression('int', depth)}]`;
      default:
        return this.literal('ints');
    }
  }

  private record(depth: number): string {
    const [n, s, l] = (['int', 'str', 'ints'] as Type[]).map((t) => this.expression(t, depth));
    return `{ n: ${n}, s: ${s}, l: ${l} }`;
  }

  // ---- Statements ----

  private block(statements: number, depth: number): void {
    const outside = this.scope.length;
    this.indent++;
    for (let i = 0; i < statements; i++) this.statement(depth);
    this.indent--;
    this.scope.length = outside;
  }

  private print(): void {
    const types = Array.from({ length: 1 + this.random(3) }, () => this.pick(ALL));
    this.line(`console.log(${types.map((t) => this.value(t)).join(', ')});`);
  }

  /** An expression of its own, in a variable: the compiler keeps few temporary values in arguments. */
  private value(type: Type): string {
    const name = this.name('v');
    this.line(`const ${name}: ${TYPE_NAMES[type]} = ${this.expression(type, 2)};`);
    this.scope.push({ name, type, isConstant: true });
    return name;
  }

  private declare(): void {
    const type = this.pick(ALL);
    const name = this.name('x');
    this.line(`let ${name}: ${TYPE_NAMES[type]} = ${this.expression(type, 2)};`);
    this.scope.push({ name, type });
  }

  private assign(): void {
    const type = this.pick(ALL);
    const name = this.variable(type, true);
    if (name === undefined) return this.declare();
    this.line(`${name} = ${this.expression(type, 2)};`);
  }

  private mutate(): void {
    const list = this.variable('ints');
    const record = this.variable('rec');
    const index = this.random(6);
    if (list !== undefined && this.chance(60)) {
      const choices = [
        `${list}[${index}] = ${this.expression('int', 1)};`,
        `if (${list}.length < 50) ${list}.push(${this.expression('int', 1)});`,
        `${list}.pop();`,
        `${list}.insert(0, 1);`,
        `${list}.sort((p, q) => p - q);`,
      ];
      this.line(this.pick(choices));
    } else if (record !== undefined) {
      const [field, type] = this.pick<[string, Type]>([
        ['n', 'int'],
        ['s', 'str'],
        ['l', 'ints'],
      ]);
      this.line(`${record}.${field} = ${this.expression(type, 1)};`);
    } else this.declare();
  }

  private condition(depth: number): void {
    this.line(`if (${this.expression('bool', 2)}) {`);
    this.block(1 + this.random(3), depth - 1);
    if (this.chance(50)) {
      this.line('} else {');
      this.block(1 + this.random(2), depth - 1);
    }
    this.line('}');
  }

  private loop(depth: number): void {
    const name = this.name('i');
    this.line(`for (let ${name} = 0; ${name} < ${2 + this.random(4)}; ++${name}) {`);
    this.loops++;
    const outside = this.scope.length;
    this.scope.push({ name, type: 'int', isConstant: true });
    if (this.chance(25)) {
      this.line(`  if (${this.expression('bool', 1)}) ${this.pick(['continue', 'break'])};`);
    }
    this.block(1 + this.random(3), depth - 1);
    this.scope.length = outside;
    this.loops--;
    this.line('}');
  }

  private attempt(depth: number): void {
    const error = this.name('e');
    this.line('try {');
    this.block(1 + this.random(2), depth - 1);
    const kind = this.pick(['Error', 'TypeError', 'RangeError']);
    if (this.chance(60)) {
      this.line(
        `  if (${this.expression('bool', 1)}) throw new ${kind}(${this.expression('str', 1)});`,
      );
    }
    this.line(`} catch (${error}) {`);
    this.line(`  console.log('caught', (${error} as Error).name, (${error} as Error).message);`);
    this.block(this.random(2), depth - 1);
    if (this.chance(40)) {
      this.line('} finally {');
      this.block(1, depth - 1);
    }
    this.line('}');
  }

  private walk(depth: number): void {
    const name = this.name('w');
    this.line(`for (const ${name} of ${this.expression('ints', 1)}.slice(0, 5)) {`);
    this.loops++;
    const outside = this.scope.length;
    this.scope.push({ name, type: 'int', isConstant: true });
    this.block(1 + this.random(2), depth - 1);
    this.scope.length = outside;
    this.loops--;
    this.line('}');
  }

  /** Numbers in and out of a buffer; NaN only where a format has it. */
  private bytes(): void {
    const name = this.name('b');
    this.line(`const ${name} = Buffer.alloc(${8 + this.random(9)});`);
    for (let i = 0; i < 1 + this.random(3); i++) {
      const format = this.pick([
        'u8',
        'i8',
        'u16',
        'i16',
        'u32',
        'i32',
        'f32',
        'f64',
        'u8.8',
        'i16.16',
        'u4.4',
      ]);
      const value = this.expression(format.startsWith('f') ? 'num' : 'int', 2);
      this.line(`${name}.setAt(${this.random(9)}, '${format}', ${value});`);
      this.line(`console.log(${name}.getAt(${this.random(9)}, '${format}'));`);
    }
    const tail = this.pick([
      `${name}.slice(${this.random(4)}, ${4 + this.random(5)})`,
      `${name}.concat(Buffer.from(${JSON.stringify(this.pick(STRINGS))}))`,
      `${name}.toString('hex')`,
      `Buffer.from(${name}.toString('hex'), 'hex')`,
      `${name}.indexOf(${this.random(3)})`,
    ]);
    this.line(`console.log(${name}, ${tail});`);
  }

  private json(): void {
    const name = this.name('j');
    const value = this.pick([
      this.expression('ints', 2),
      `{ n: ${this.expression('int', 1)}, list: ${this.expression('ints', 1)}, t: ${this.expression('bool', 1)} }`,
      `[{ a: ${this.expression('int', 1)} }, null, 'text', [${this.expression('bool', 1)}]]`,
    ]);
    const indent = this.chance(40) ? `, undefined, ${this.random(4)}` : '';
    this.line(`const ${name} = JSON.stringify(${value}${indent});`);
    this.line(`console.log(${name}, JSON.parse(${name}));`);
  }

  private choose(depth: number): void {
    this.line(`switch (${this.expression('int', 1)} & 3) {`);
    for (const value of [0, 1, 2].slice(this.random(2))) {
      this.line(`  case ${value}: {`);
      this.indent++;
      this.block(1, depth - 1);
      this.line('  break;');
      this.indent--;
      this.line('  }');
    }
    this.line('  default:');
    this.line("    console.log('default');");
    this.line('}');
  }

  private statement(depth: number): void {
    const roll = this.random(100);
    if (roll < 18) this.print();
    else if (roll < 20) this.bytes();
    else if (roll < 22) this.json();
    else if (roll < 40) this.declare();
    else if (roll < 55) this.assign();
    else if (roll < 68) this.mutate();
    else if (depth <= 0) this.assign();
    else if (roll < 78) this.condition(depth);
    else if (roll < 84 && this.loops < 2) this.loop(depth);
    else if (roll < 87 && this.loops < 2) this.walk(depth);
    else if (roll < 94) this.attempt(depth);
    else this.choose(depth);
  }

  // ---- Declarations ----

  private parameters(): Variable[] {
    return Array.from({ length: this.random(4) }, () => ({
      name: this.name('p'),
      type: this.pick(ALL),
    }));
  }

  private signature(parameters: Variable[]): string {
    return parameters.map((p) => `${p.name}: ${TYPE_NAMES[p.type]}`).join(', ');
  }

  private function(): void {
    const name = this.name('f');
    const parameters = this.parameters();
    const result = this.pick(ALL);
    const outside = this.scope;
    this.scope = [...parameters];
    this.line(`function ${name}(${this.signature(parameters)}): ${TYPE_NAMES[result]} {`);
    this.loops++;
    this.block(1 + this.random(3), 1);
    this.loops--;
    this.line(`  return ${this.expression(result, 2)};`);
    this.line('}');
    this.scope = outside;
    this.callables.push({ name, parameters: parameters.map((p) => p.type), result });
  }

  /** A function that makes functions: they share one captured variable. */
  private closure(): void {
    const name = this.name('make');
    const user = this.name('c');
    this.line(`function ${name}(start: number) {`);
    this.line('  let kept = start;');
    this.line(`  return (d: number): number => {`);
    this.line(`    kept = (kept ${this.pick(['+', '-', '*'])} d) | 0;`);
    this.line(`    return kept ${this.pick(['', '& 255', '^ d'])};`);
    this.line('  };');
    this.line('}');
    this.line(`const ${user} = ${name}(${this.pick(INTEGERS)});`);
    this.callables.push({ name: user, parameters: ['int'], result: 'int' });
  }

  private class(): void {
    const base = this.name('Base');
    const derived = this.name('Derived');
    const [b, d] = [this.name('o'), this.name('o')];
    this.line(`class ${base} {`);
    this.line(`  total = ${this.pick(INTEGERS)};`);
    this.line('  constructor(public step: number) {}');
    this.line('  next(): number {');
    this.line('    this.total = (this.total + this.step) | 0;');
    this.line('    return this.scaled(this.total);');
    this.line('  }');
    this.line(`  scaled(x: number): number { return ${this.pick(['x', '-x', '(x >> 1)'])}; }`);
    this.line('}');
    this.line(`class ${derived} extends ${base} {`);
    this.line(`  factor = ${1 + this.random(9)};`);
    this.line('  override scaled(x: number): number { return Math.imul(x, this.factor); }');
    this.line('}');
    this.line(`const ${b} = new ${base}(${this.pick(INTEGERS)});`);
    this.line(`const ${d} = new ${derived}(${this.pick(INTEGERS)});`);
    for (const object of [b, d]) {
      this.callables.push({ name: `${object}.next`, parameters: [], result: 'int' });
    }
  }

  private fibers(): void {
    const name = this.name('fiber');
    this.line(`async function ${name}(id: number, ms: number) {`);
    this.line(`  for (let i = 0; i < ${1 + this.random(3)}; ++i) {`);
    this.line('    await ds.sleep(ms);');
    this.line('    trail.push(id * 10 + i);');
    this.line('  }');
    if (this.chance(40)) {
      this.line('  try {');
      this.line('    await ds.sleep(1);');
      this.line("    if (id === 1) throw new Error('fiber ' + id);");
      this.line('  } catch (e) {');
      this.line('    trail.push(-id);');
      this.line('  }');
    }
    this.line('}');
    const count = 1 + this.random(4);
    // times that do not fall together: their order is nobody's business
    for (let i = 0; i < count; i++)
      this.line(`${name}.start(${i}, ${7 + 11 * i + this.random(3)});`);
  }

  program(): string {
    this.line("import * as ds from '@devicescript/core';");
    this.line('interface Rec { n: number; s: string; l: number[] }');
    this.line('const trail: number[] = [];');
    const declarations = 2 + this.random(4);
    for (let i = 0; i < declarations; i++) {
      const roll = this.random(10);
      if (roll < 5) this.function();
      else if (roll < 7) this.closure();
      else if (roll < 9) this.class();
      else this.fibers();
    }
    const statements = 6 + this.random(10);
    for (let i = 0; i < statements; i++) this.statement(2);
    this.line('await ds.sleep(500);');
    this.line('console.log(trail);');
    for (const v of this.scope.filter((v) => !v.isConstant))
      this.line(`console.log('${v.name}', ${v.name});`);
    return `${this.lines.join('\n')}\n`;
  }
}

/** The program of a seed. Some of them the official compiler does not take. */
export function generateProgram(seed: number): string {
  return new Generator(seed).program();
}
