/** Somebody else has taken a place in a log over: what was read since the last lasting place belongs to them. */
export class LeaseLostError extends Error {
  override name = 'LeaseLostError';
}
