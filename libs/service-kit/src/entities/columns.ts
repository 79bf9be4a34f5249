import type { ValueTransformer } from 'typeorm';

/** The driver hands bigints over as text. One that does not fit into a number must not be rounded silently. */
const safeInteger: ValueTransformer = {
  to: (value: number | null) => value,
  from: (text: string | null) => {
    if (text === null) return null;
    const value = Number(text);
    if (!Number.isSafeInteger(value)) throw new RangeError(`a bigint that JavaScript cannot hold exactly: ${text}`);
    return value;
  },
};

/** A column of amounts, counts or seconds: a bigint in the database, a number here. */
export const bigint = { type: 'bigint', transformer: safeInteger } as const;
