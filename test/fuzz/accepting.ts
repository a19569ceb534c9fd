import { RetuneError } from '../../cli/error.ts';

/** Longest message that is still one clear line. */
const LONGEST_MESSAGE = 1000;

/** A refusal is a RetuneError of one line that names `file`; throws what is none. */
export function checkRefusal(file: string, error: unknown): void {
  if (!(error instanceof RetuneError)) throw error;
  if (!error.message.includes(file)) {
    throw new Error(`the message does not name ${file}: ${error.message}`);
  }
  if (error.message.includes('\n') || error.message.length > LONGEST_MESSAGE) {
    throw new Error(`the message is no one clear line: ${JSON.stringify(error.message)}`);
  }
}
