/** What was asked has not answered in time. */
export class LateError extends Error {
  override name = 'LateError';
}

/**
 * Waits for an answer, but not for ever. What was asked goes on, and nobody hears of it any more.
 * @param who is asked, for the error
 * @throws LateError when there is no answer after `ms`
 */
export async function within<T>(who: string, ms: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new LateError(`no answer from ${who} within ${Math.round(ms)} ms`)), ms);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
