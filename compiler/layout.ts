/**
 * Constant tables in memory and the C structures that they follow.
 *
 * One description is emitted twice: as C source (emit-c.ts) and as a 32-bit little-endian memory
 * image (emit-image.ts). Every member of a structure is a 32-bit word or a pointer, so that sizes
 * and offsets are the same on every 32-bit target; a test compares them with the built engine.
 */

/** Element types of plain arrays, with their size in bytes. */
export const PRIMITIVE_BYTES = {
  int8_t: 1,
  uint8_t: 1,
  int16_t: 2,
  uint16_t: 2,
  int32_t: 4,
  uint32_t: 4,
} as const;
export type Primitive = keyof typeof PRIMITIVE_BYTES;

/** What a pointer points to: an array element or a structure, by its C name. */
export type Target = Primitive | `rt_${string}_t`;

export type FieldType =
  | { kind: 'word'; signed: boolean; names?: Readonly<Record<number, string>> }
  | { kind: 'pointer'; target: Target }
  | { kind: 'nested'; struct: StructType }
  | { kind: 'array'; signed: boolean; length: number };

export interface Field {
  name: string;
  type: FieldType;
  offset: number;
}

export interface StructType {
  name: `rt_${string}_t`;
  /** The header that declares it, relative to native/. */
  header: string;
  fields: Field[];
  bytes: number;
}

export const u32: FieldType = { kind: 'word', signed: false };
export const i32: FieldType = { kind: 'word', signed: true };

/** A word whose values are written by name in C source, for example RT_OP_CONV_2D. */
export function named(names: Readonly<Record<number, string>>, signed = false): FieldType {
  return { kind: 'word', signed, names };
}

export function pointer(target: Target): FieldType {
  return { kind: 'pointer', target };
}

export function nested(struct: StructType): FieldType {
  return { kind: 'nested', struct };
}

export function array(word: FieldType, length: number): FieldType {
  if (word.kind !== 'word') throw new Error('an array member holds words');
  return { kind: 'array', signed: word.signed, length };
}

function fieldBytes(type: FieldType): number {
  switch (type.kind) {
    case 'word':
    case 'pointer':
      return 4;
    case 'nested':
      return type.struct.bytes;
    case 'array':
      return 4 * type.length;
  }
}

/** Declares a structure: its members in the order of the header. */
export function struct(
  name: StructType['name'],
  header: string,
  members: Record<string, FieldType>,
): StructType {
  const fields: Field[] = [];
  let bytes = 0;
  for (const [member, type] of Object.entries(members)) {
    fields.push({ name: member, type, offset: bytes });
    bytes += fieldBytes(type);
  }
  return { name, header, fields, bytes };
}

export type Value = number | null | Table | readonly number[] | StructValue;
export interface StructValue {
  [member: string]: Value;
}

interface TableBase {
  /** C identifier, unique in its description. */
  name: string;
  /** One line about what it is; goes into the C source. */
  comment?: string;
}

export interface ArrayTable extends TableBase {
  type: Primitive;
  values: Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array;
}

export interface StructTable extends TableBase {
  type: StructType;
  values: StructValue[];
  /** A comment before each element. */
  comments?: string[];
}

/** A constant array of numbers or structures. Shared by identity: two pointers, one table. */
export type Table = ArrayTable | StructTable;

/** A line of C beside the tables, for example the feature profile or the label names. */
export interface CDefinition {
  /** Relative to native/; undefined where no header is needed. */
  header?: string;
  lines: string[];
}

/** The tables that the firmware knows by name; all others are reached from them. */
export interface Description {
  /** What it was generated from; goes into the C source. */
  title: string[];
  roots: Table[];
  /** Definitions that only the C source has: names of things that the image knows by number. */
  source?: CDefinition[];
}

export function isTable(value: Value): value is Table {
  return typeof value === 'object' && value !== null && 'type' in value && 'name' in value;
}

export function isStructTable(table: Table): table is StructTable {
  return typeof table.type === 'object';
}

export function tableBytes(table: Table): number {
  if (isStructTable(table)) return table.values.length * table.type.bytes;
  return table.values.length * PRIMITIVE_BYTES[table.type];
}

function typeName(table: Table): Target {
  return isStructTable(table) ? table.type.name : table.type;
}

/** Tables that an element of a structure points to, in the order of its members. */
function pointees(type: StructType, value: StructValue): Table[] {
  const found: Table[] = [];
  for (const field of type.fields) {
    const member = value[field.name];
    if (member === undefined) throw new Error(`${type.name}.${field.name} has no value`);
    if (field.type.kind === 'nested') {
      found.push(...pointees(field.type.struct, member as StructValue));
    } else if (field.type.kind === 'pointer' && member !== null) {
      if (!isTable(member) || typeName(member) !== field.type.target) {
        throw new Error(`${type.name}.${field.name} does not point to ${field.type.target}`);
      }
      found.push(member);
    }
  }
  const unknown = Object.keys(value).find((name) => !type.fields.some((f) => f.name === name));
  if (unknown !== undefined) throw new Error(`${type.name} has no member ${unknown}`);
  return found;
}

/** All tables of a description, each after those that it points to. */
export function tablesInOrder(description: Description): Table[] {
  const order: Table[] = [];
  const seen = new Set<Table>();
  const names = new Set<string>();
  const visit = (table: Table): void => {
    if (seen.has(table)) return;
    seen.add(table);
    if (names.has(table.name)) throw new Error(`two tables are called ${table.name}`);
    names.add(table.name);
    if (isStructTable(table)) {
      for (const value of table.values) pointees(table.type, value).forEach(visit);
    }
    order.push(table);
  };
  description.roots.forEach(visit);
  return order;
}
