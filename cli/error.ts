/**
 * An error that a user can mend. The message names the file or argument and says what to change;
 * the command prints it as one line and exits with a non-zero status. Anything else that is thrown
 * is a defect of ours.
 */
export class RetuneError extends Error {
  override name = 'RetuneError';
}
