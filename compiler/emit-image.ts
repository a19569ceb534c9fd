/**
 * A description as a 32-bit little-endian memory image: the bytes that the C source would become,
 * with pointers relocated to the address where the image is placed. Roots come first, in order, so
 * that rt_model lies at the base address.
 */
import {
  PRIMITIVE_BYTES,
  isStructTable,
  isTable,
  tableBytes,
  tablesInOrder,
  type ArrayTable,
  type Description,
  type Field,
  type StructTable,
  type StructType,
  type StructValue,
  type Table,
  type Value,
} from './layout.ts';

export interface Image {
  bytes: Uint8Array;
  /** Offset of each root table from the base, by name. */
  symbols: Record<string, number>;
  /** Offsets of the words that hold a pointer. */
  relocations: number[];
}

interface Context {
  view: DataView;
  base: number;
  offsets: Map<Table, number>;
  relocations: number[];
}

const align4 = (bytes: number): number => (bytes + 3) & ~3;

/** Builds the image for a base address, a multiple of 4. */
export function buildImage(description: Description, base: number): Image {
  if (base % 4 !== 0) throw new Error(`image base ${base} is not a multiple of 4`);
  const rest = tablesInOrder(description).filter((table) => !description.roots.includes(table));
  const offsets = new Map<Table, number>();
  let size = 0;
  for (const table of [...description.roots, ...rest]) {
    offsets.set(table, size);
    size += align4(tableBytes(table));
  }
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  const context: Context = { view, base, offsets, relocations: [] };
  for (const [table, offset] of offsets) {
    if (isStructTable(table)) writeStructs(context, table, offset);
    else writeArray(context, table, offset);
  }
  const symbols = Object.fromEntries(description.roots.map((t) => [t.name, offsets.get(t) ?? 0]));
  return { bytes, symbols, relocations: context.relocations };
}

function writeArray(context: Context, table: ArrayTable, offset: number): void {
  const bytes = PRIMITIVE_BYTES[table.type];
  const { view } = context;
  table.values.forEach((value, i) => {
    const at = offset + i * bytes;
    if (bytes === 1) view.setUint8(at, value);
    else if (bytes === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
  });
}

function writeStructs(context: Context, table: StructTable, offset: number): void {
  table.values.forEach((value, i) => {
    writeStruct(context, table.type, value, offset + i * table.type.bytes);
  });
}

function writeStruct(context: Context, type: StructType, value: StructValue, at: number): void {
  for (const field of type.fields) {
    writeField(context, field, value[field.name] ?? 0, at + field.offset);
  }
}

function writeField(context: Context, field: Field, value: Value, at: number): void {
  const { view } = context;
  switch (field.type.kind) {
    case 'word':
      view.setUint32(at, value as number, true);
      break;
    case 'array':
      (value as number[]).forEach((word, i) => view.setUint32(at + 4 * i, word, true));
      break;
    case 'nested':
      writeStruct(context, field.type.struct, value as StructValue, at);
      break;
    case 'pointer':
      if (!isTable(value)) break;
      view.setUint32(at, context.base + (context.offsets.get(value) ?? 0), true);
      context.relocations.push(at);
      break;
  }
}
