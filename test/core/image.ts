/** A compiled image taken apart far enough to damage it in chosen places. */
import { compileSource } from '../vm/compiler.ts';

const SECTIONS_AT = 32;
const FUNCTION_BYTES = 16;

/** Sections by their place in the header. */
export const SECTION = {
  functions: 0,
  code: 1,
  floats: 2,
  ascii: 4,
  utf8: 5,
  buffers: 6,
  strings: 7,
  services: 8,
} as const;

const images = new Map<string, Uint8Array>();

function compiled(source: string): Uint8Array {
  const known = images.get(source);
  if (known !== undefined) return known;
  const { image } = compileSource(`import * as ds from '@devicescript/core'\n${source}`);
  images.set(source, image);
  return image;
}

export class Image {
  readonly bytes: Uint8Array;
  readonly view: DataView;

  constructor(source: string) {
    this.bytes = Uint8Array.from(compiled(source));
    this.view = new DataView(this.bytes.buffer);
  }

  /** Where the header says where a section lies. */
  sectionAt(section: number): number {
    return SECTIONS_AT + 8 * section;
  }

  start(section: number): number {
    return this.view.getUint32(this.sectionAt(section), true);
  }

  /** The record of a function. */
  functionAt(index: number): number {
    return this.start(SECTION.functions) + FUNCTION_BYTES * index;
  }

  codeStart(index: number): number {
    return this.view.getUint32(this.functionAt(index), true);
  }

  codeBytes(index: number): number {
    return this.view.getUint32(this.functionAt(index) + 4, true);
  }

  /** Replaces the code of a function, which becomes as long as the new code. */
  setCode(index: number, code: number[]): this {
    const start = this.codeStart(index);
    const room = this.codeBytes(index);
    if (code.length > room) throw new Error(`${code.length} bytes do not fit ${room}`);
    this.bytes.set(code, start);
    this.view.setUint32(this.functionAt(index) + 4, code.length, true);
    return this;
  }
}
