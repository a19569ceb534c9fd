/** Keeps one table for equal contents, so that shared weights and equal tables are stored once. */
import { createHash } from 'node:crypto';
import type { ArrayTable, StructTable, StructType, StructValue } from './layout.ts';

export class Interner {
  private readonly arrays = new Map<string, ArrayTable>();
  private readonly structs = new Map<string, StructTable>();

  array(table: ArrayTable): ArrayTable {
    const { buffer, byteOffset, byteLength } = table.values;
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    const key = `${table.type} ${createHash('sha256').update(bytes).digest('hex')}`;
    return once(this.arrays, key, table);
  }

  structure(name: string, type: StructType, values: StructValue[], comment?: string): StructTable {
    const key = `${type.name} ${JSON.stringify(values)}`;
    return once(this.structs, key, { name, type, values, comment });
  }
}

function once<T extends { comment?: string }>(known: Map<string, T>, key: string, table: T): T {
  const found = known.get(key);
  if (found === undefined) {
    known.set(key, table);
    return table;
  }
  return found;
}
