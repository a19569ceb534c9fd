/**
 * The default model's C tables, compiled from models/digits/digits.tflite into build/.
 */
export async function defaultModel() {
  return [];
}
