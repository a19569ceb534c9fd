/** Buffers of training with their lives, and their places in rt_adapter_plan_t. */
import type { PlanBuffer } from './arena.ts';
import type { StructValue } from './layout.ts';

export class BufferList {
  readonly list: PlanBuffer[] = [];

  /** `last`: the last step of the timeline. */
  constructor(private readonly last: number) {}

  /** A buffer that lasts from one training step to the next. */
  always(name: string, bytes: number, kind: 'adapter' | 'training' = 'training'): void {
    if (bytes > 0) this.list.push({ name, bytes, first: 0, last: this.last, kind });
  }

  add(buffers: PlanBuffer[]): void {
    this.list.push(...buffers.filter((buffer) => buffer.bytes > 0));
  }

  bytes(name: string): number {
    return this.list.find((candidate) => candidate.name === name)?.bytes ?? 0;
  }

  /** rt_adapter_buffer_t; one that is not needed has no bytes. */
  place(name: string, offsetOf: (name: string) => number): StructValue {
    const buffer = this.list.find((candidate) => candidate.name === name);
    if (buffer === undefined) return { offset_bytes: 0, bytes: 0 };
    return { offset_bytes: offsetOf(name), bytes: buffer.bytes };
  }
}
