import { z } from 'zod';

/** What Postgres can compare with its texts. */
export const Text = (longest: number) =>
  z
    .string()
    .min(1)
    .max(longest)
    .refine((text) => !text.includes('\0'), 'must not contain NUL characters');

/** Which rows of a table are shown, the newest first. */
export const Filter = z.strictObject({
  state: Text(20).optional(),
  key: Text(1_000).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

/** Who does something to the service, and why; it is kept. */
export const Order = { actor: Text(200), reason: Text(2_000) };
