interface Reasoned {
  message?: string;
  errors?: unknown;
  cause?: unknown;
}

/** What went wrong, in words. A connection that was tried at several addresses keeps its reasons one level deeper. */
export function reasonOf(error: unknown): string {
  // By its shape: what a test or a library throws need not be of this realm's classes.
  const { message, errors, cause } = Object(error) as Reasoned;
  if (Array.isArray(errors) && errors.length > 0) return errors.map(reasonOf).join('; ');
  if (message) return message;
  return cause === undefined ? String(error) : reasonOf(cause);
}
