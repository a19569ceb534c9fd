/** The few parts of WebAssembly that we use; Node's own types leave them to the DOM's. */
declare namespace WebAssembly {
  interface Module {
    readonly __module: unique symbol;
  }
  const Module: {
    new (bytes: Uint8Array): Module;
    exports(module: Module): { name: string; kind: string }[];
    imports(module: Module): { module: string; name: string; kind: string }[];
  };
  class Memory {
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  class RuntimeError extends Error {}
  class Global {
    value: number | bigint;
  }
  type Exports = Record<string, ((...args: number[]) => number) | Memory | Global | undefined>;
  class Instance {
    constructor(module: Module, imports?: Record<string, Record<string, unknown>>);
    readonly exports: Exports;
  }
}
