/**
 * Checked access to a flatbuffer. The npm package `flatbuffers` reads scalars but verifies nothing,
 * so every offset, vtable and vector is checked here against the file's end before it is used.
 *
 * A hostile file can make many tables point at one long vector. Every element that is copied out
 * therefore counts against a budget that is proportional to the file, so that reading takes time
 * and memory linear in its size.
 */
import { ByteBuffer } from 'flatbuffers';

/** The bytes are not a well-formed flatbuffer; the caller adds the file's name. */
export class MalformedError extends Error {
  override name = 'MalformedError';
}

const text = new TextDecoder('utf-8');

export class FlatBuffer {
  readonly size: number;
  private readonly buffer: ByteBuffer;
  private budget: number;

  constructor(bytes: Uint8Array) {
    this.buffer = new ByteBuffer(bytes);
    this.size = bytes.length;
    this.budget = 4 * bytes.length + 4096;
  }

  root(): TableView {
    return this.tableAt(this.uint32(0, 'root offset'), 'root table');
  }

  tableAt(at: number, what: string): TableView {
    return new TableView(this, at, what);
  }

  need(offset: number, bytes: number, what: string): void {
    if (offset < 0 || offset + bytes > this.size) {
      throw new MalformedError(
        `${what} lies at bytes ${offset} to ${offset + bytes} of a file of ${this.size} bytes`,
      );
    }
  }

  spend(elements: number, what: string): void {
    this.budget -= elements;
    if (this.budget < 0) throw new MalformedError(`${what}: its tables overlap each other`);
  }

  uint32(at: number, what: string): number {
    this.need(at, 4, what);
    return this.buffer.readUint32(at);
  }

  int32(at: number, what: string): number {
    this.need(at, 4, what);
    return this.buffer.readInt32(at);
  }

  uint16(at: number, what: string): number {
    this.need(at, 2, what);
    return this.buffer.readUint16(at);
  }

  uint8(at: number, what: string): number {
    this.need(at, 1, what);
    return this.buffer.readUint8(at);
  }

  float32(at: number, what: string): number {
    this.need(at, 4, what);
    return this.buffer.readFloat32(at);
  }

  int64(at: number, what: string): bigint {
    this.need(at, 8, what);
    return this.buffer.readInt64(at);
  }

  /** A view into the file, not a copy. */
  bytes(at: number, length: number, what: string): Uint8Array {
    this.need(at, length, what);
    return this.buffer.bytes().subarray(at, at + length);
  }
}

interface Vector {
  at: number;
  length: number;
}

/** One table: its fields by number, with the schema's default where a field is absent. */
export class TableView {
  private readonly vtable: number;
  private readonly vtableBytes: number;
  private readonly tableBytes: number;

  constructor(
    private readonly file: FlatBuffer,
    private readonly at: number,
    readonly what: string,
  ) {
    this.vtable = at - file.int32(at, what);
    this.vtableBytes = file.uint16(this.vtable, `vtable of ${what}`);
    this.tableBytes = file.uint16(this.vtable + 2, `vtable of ${what}`);
    if (this.vtableBytes < 4 || this.vtableBytes % 2 !== 0 || this.tableBytes < 4) {
      throw new MalformedError(`vtable of ${what} has an impossible size`);
    }
    file.need(this.vtable, this.vtableBytes, `vtable of ${what}`);
    file.need(at, this.tableBytes, what);
  }

  /** Position of a field's value, or undefined where the table does not have it. */
  private field(id: number, bytes: number): number | undefined {
    const entry = 4 + 2 * id;
    if (entry + 2 > this.vtableBytes) return undefined;
    const offset = this.file.uint16(this.vtable + entry, `vtable of ${this.what}`);
    if (offset === 0) return undefined;
    if (offset < 4 || offset + bytes > this.tableBytes) {
      throw new MalformedError(`field ${id} of ${this.what} lies outside its table`);
    }
    return this.at + offset;
  }

  has(id: number): boolean {
    return this.field(id, 1) !== undefined;
  }

  uint32(id: number): number {
    const at = this.field(id, 4);
    return at === undefined ? 0 : this.file.uint32(at, this.what);
  }

  int32(id: number, standard = 0): number {
    const at = this.field(id, 4);
    return at === undefined ? standard : this.file.int32(at, this.what);
  }

  uint8(id: number): number {
    const at = this.field(id, 1);
    return at === undefined ? 0 : this.file.uint8(at, this.what);
  }

  float32(id: number): number {
    const at = this.field(id, 4);
    return at === undefined ? 0 : this.file.float32(at, this.what);
  }

  uint64(id: number): bigint {
    const at = this.field(id, 8);
    return at === undefined ? 0n : BigInt.asUintN(64, this.file.int64(at, this.what));
  }

  table(id: number, what: string): TableView | undefined {
    const at = this.field(id, 4);
    return at === undefined ? undefined : this.follow(at, what);
  }

  tables(id: number, what: string): TableView[] {
    const vector = this.vector(id, 4, what);
    this.file.spend(vector.length, what);
    return Array.from({ length: vector.length }, (_, i) =>
      this.follow(vector.at + 4 * i, `${what} ${i}`),
    );
  }

  int32s(id: number, what: string): number[] {
    return this.elements(id, 4, what, (at) => this.file.int32(at, what));
  }

  float32s(id: number, what: string): number[] {
    return this.elements(id, 4, what, (at) => this.file.float32(at, what));
  }

  int64s(id: number, what: string): bigint[] {
    return this.elements(id, 8, what, (at) => this.file.int64(at, what));
  }

  bytes(id: number, what: string): Uint8Array {
    const vector = this.vector(id, 1, what);
    return this.file.bytes(vector.at, vector.length, what);
  }

  /** A string as UTF-8; control characters are removed since it goes into messages. */
  string(id: number, what: string): string {
    const raw = this.bytes(id, what).subarray(0, 256);
    this.file.spend(raw.length, what);
    return text.decode(raw).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?');
  }

  private follow(at: number, what: string): TableView {
    return this.file.tableAt(at + this.file.uint32(at, what), what);
  }

  private vector(id: number, elementBytes: number, what: string): Vector {
    const field = this.field(id, 4);
    if (field === undefined) return { at: 0, length: 0 };
    const start = field + this.file.uint32(field, what);
    const length = this.file.uint32(start, `length of ${what}`);
    this.file.need(start + 4, length * elementBytes, what);
    return { at: start + 4, length };
  }

  private elements<T>(id: number, bytes: number, what: string, read: (at: number) => T): T[] {
    const vector = this.vector(id, bytes, what);
    this.file.spend(vector.length, what);
    return Array.from({ length: vector.length }, (_, i) => read(vector.at + bytes * i));
  }
}
