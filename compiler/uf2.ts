/** UF2, the format that the RP2040's boot drive takes: 512-byte blocks with 256 bytes each. */

const BLOCK_BYTES = 512;
const PAYLOAD_BYTES = 256;
const MAGIC = [0x0a324655, 0x9e5d5157] as const;
const MAGIC_END = 0x0ab16f30;
const FLAG_FAMILY = 0x2000;
const RP2040_FAMILY = 0xe48bff56;

/** @param image bytes from `address` on; the last page is filled up with zeros */
export function uf2(image: Uint8Array, address: number): Uint8Array {
  const count = Math.ceil(image.length / PAYLOAD_BYTES);
  const result = new Uint8Array(count * BLOCK_BYTES);
  const view = new DataView(result.buffer);
  for (let i = 0; i < count; i++) {
    const at = i * BLOCK_BYTES;
    const words = [
      ...MAGIC,
      FLAG_FAMILY,
      address + i * PAYLOAD_BYTES,
      PAYLOAD_BYTES,
      i,
      count,
      RP2040_FAMILY,
    ];
    words.forEach((word, k) => view.setUint32(at + 4 * k, word, true));
    result.set(image.subarray(i * PAYLOAD_BYTES, (i + 1) * PAYLOAD_BYTES), at + 32);
    view.setUint32(at + BLOCK_BYTES - 4, MAGIC_END, true);
  }
  return result;
}
