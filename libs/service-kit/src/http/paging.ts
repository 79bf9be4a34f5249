import { z } from 'zod';

/** What every list takes: how many, and from where on. */
export const paging = {
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: z.string().max(1_000).optional(),
};

export interface Page<T> {
  items: T[];
  /** Give it as `cursor` to read on; null at the end. */
  next_cursor: string | null;
}

/** Cuts a page off `rows`, of which one more than `limit` was read to see whether there is a next page. */
export function pageOf<T, S>(
  rows: readonly T[],
  limit: number,
  placeOf: (last: T) => unknown,
  show: (row: T) => S,
): Page<S> {
  const items = rows.slice(0, limit);
  const isLast = rows.length <= limit;
  return { items: items.map(show), next_cursor: isLast ? null : encodeCursor(placeOf(items.at(-1)!)) };
}

function encodeCursor(place: unknown): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/** Reads a cursor that `pageOf` made. @throws ZodError for any other. */
export function placeFrom<S extends z.ZodType>(cursor: string, schema: S): z.output<S> {
  const Cursor = z.string().transform((text, context) => {
    try {
      return schema.parse(JSON.parse(Buffer.from(text, 'base64url').toString()));
    } catch {
      context.issues.push({ code: 'custom', input: text, path: ['cursor'], message: 'is not one that was given out' });
      return z.NEVER;
    }
  });
  return Cursor.parse(cursor);
}
