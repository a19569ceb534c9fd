/** What the output of a classifier says: winner, confidence, margin and entropy. */

export interface Prediction {
  /** Index of the winner. */
  class: number;
  /** Softmax probability of the winner, 0..1. */
  confidence: number;
  /** Largest logit minus the second largest, in nats: ln(p1 / p2). */
  margin: number;
  /** Entropy of the softmax as a share of its maximum, 0..1. */
  entropy: number;
  /** Real logits, before softmax. */
  logits: Float64Array;
  /** Softmax of the logits. */
  probabilities: Float64Array;
  /** The model's int8 output tensor, bit-exact TensorFlow Lite when no adapter is active. */
  output: Int8Array;
}

function softmax(logits: Float64Array): Float64Array {
  const max = Math.max(...logits);
  const exponentials = logits.map((x) => Math.exp(x - max));
  const sum = exponentials.reduce((a, b) => a + b, 0);
  return exponentials.map((e) => e / sum);
}

function entropyShare(probabilities: Float64Array): number {
  const nats = probabilities.reduce((sum, p) => (p > 0 ? sum - p * Math.log(p) : sum), 0);
  return probabilities.length > 1 ? nats / Math.log(probabilities.length) : 0;
}

/** Reads off everything from real logits. */
export function fromLogits(output: Int8Array, logits: Float64Array): Prediction {
  const probabilities = softmax(logits);
  const winner = logits.indexOf(Math.max(...logits));
  const second = Math.max(...logits.filter((_, i) => i !== winner));
  return {
    class: winner,
    confidence: probabilities[winner] ?? 0,
    margin: Number.isFinite(second) ? (logits[winner] ?? 0) - second : 0,
    entropy: entropyShare(probabilities),
    logits,
    probabilities,
    output,
  };
}

/** The same from int8 logits and their quantisation. */
export function predict(
  output: Int8Array,
  quantised: Int8Array,
  scale: number,
  zeroPoint: number,
): Prediction {
  return fromLogits(
    output,
    Float64Array.from(quantised, (q) => (q - zeroPoint) * scale),
  );
}
