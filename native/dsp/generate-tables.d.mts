/** The generated files of native/dsp: name to text. */
export function generateTables(): Record<string, string>;
