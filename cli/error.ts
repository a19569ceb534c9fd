/**
 * An error that a user can mend. The message names the file or argument and says what to change;
 * the command prints it as one line and exits with a non-zero status. Anything else that is thrown
 * is a defect of ours.
 */
export class RetuneError extends Error {
  override name = 'RetuneError';

  /** Pieces of a damaged file may be quoted in the message: nothing in them reaches the terminal. */
  constructor(message: string) {
    super(message.replace(/[^\P{Cc}\n]+/gu, ' '));
  }
}

/** Text from a file or a library, for use in a message: one line. */
export const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();
