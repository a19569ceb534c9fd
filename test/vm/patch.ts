import { readAbi } from './abi.ts';

/**
 * The compiler never emits some opcodes that both VMs know. A program of the suite reaches them by
 * lines `// patch: OLD NEW`: in functions whose name begins with `patched`, every opcode OLD of the
 * compiled image becomes NEW, which takes and gives as many values.
 */
export function patchImage(image: Uint8Array, source: string): Uint8Array {
  const patches = [...source.matchAll(/^\/\/ patch: (\w+) (\w+)$/gm)];
  if (patches.length === 0) return image;
  const { ops } = readAbi();
  const codeOf = (name: string | undefined): number => {
    const op = ops.find((o) => o.name === name);
    if (op === undefined) throw new Error(`${name}: no such opcode`);
    return op.code;
  };
  const change = new Map(patches.map(([, old, next]) => [codeOf(old), codeOf(next)]));
  const result = Uint8Array.from(image);
  for (const { start, length } of patchedFunctions(image)) {
    for (const at of instructions(image, start, length)) {
      const next = change.get(image[at] as number);
      if (next !== undefined) result[at] = next;
    }
  }
  return result;
}

const SECTIONS_AT = 32;
const FUNCTION_BYTES = 16;
const ASCII = 2;

function* patchedFunctions(image: Uint8Array): Generator<{ start: number; length: number }> {
  const view = new DataView(image.buffer, image.byteOffset, image.length);
  const section = (i: number): number => view.getUint32(SECTIONS_AT + 8 * i, true);
  const [functions, ascii, strings] = [section(0), section(4), section(7)];
  const count = view.getUint32(SECTIONS_AT + 4, true) / FUNCTION_BYTES;
  for (let i = 0; i < count; i++) {
    const at = functions + FUNCTION_BYTES * i;
    const name = view.getUint16(at + 12, true);
    if (name >> 14 !== ASCII) continue;
    const text = strings + view.getUint16(ascii + 2 * (name & 0x3fff), true);
    if (new TextDecoder().decode(image.subarray(text, text + 7)) !== 'patched') continue;
    yield { start: view.getUint32(at, true), length: view.getUint32(at + 4, true) };
  }
}

/** Offsets of the opcodes of a function. */
function* instructions(image: Uint8Array, start: number, length: number): Generator<number> {
  const takesNumber = new Set(
    readAbi()
      .ops.filter((op) => op.immediate.length > 0)
      .map((op) => op.code),
  );
  let at = start;
  while (at < start + length) {
    yield at;
    if (takesNumber.has(image[at++] as number)) {
      const first = image[at++] as number;
      if (first >= 0xf8) at += (first & 3) + 1;
    }
  }
}
