import { z } from 'zod';

/** Text that every database and every broker can hold: no NUL, and no half of a surrogate pair. */
export const Text = (longest: number) =>
  z
    .string()
    .min(1)
    .max(longest)
    .refine(
      (text) => !text.includes('\0') && !/\p{Surrogate}/u.test(text),
      'must not contain NUL or broken characters',
    );

/** Which rows of a table are shown, the newest first. */
export const Filter = z.strictObject({
  key: Text(1_000).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

/** Who does something to the service, and why; it is kept. */
export const byHand = { actor: Text(200), reason: Text(2_000) };

/** What is done with `dry_run: true` changes nothing: to be told how much it would be, one need not say why. */
export const dryRun = {
  dry_run: z.literal(true),
  actor: byHand.actor.optional(),
  reason: byHand.reason.optional(),
};
export const forReal = { ...byHand, dry_run: z.literal(false).default(false) };
