/** The first problem that zod found, as one phrase that names the field. */
import type { z } from 'zod';

export function describeIssue(error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue === undefined) return 'is not valid';
  const path = issue.path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`));
  const field = path.join('').replace(/^\./, '');
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map((key) => `"${field === '' ? key : `${field}.${key}`}"`);
    return `unknown field${names.length > 1 ? 's' : ''} ${names.join(', ')}`;
  }
  const reason = issue.message.replace(/^Invalid (input|option): /, '');
  return field === '' ? reason : `field "${field}": ${reason}`;
}
