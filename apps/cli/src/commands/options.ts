import { userInfo } from 'node:os';
import { UsageError, type Values } from '../command';

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

export function text(values: Values, name: string): string | undefined {
  return values[name] as string | undefined;
}

export function number(values: Values, name: string): number | undefined {
  const given = text(values, name);
  if (given === undefined) return undefined;
  const value = Number(given);
  if (given.trim() === '' || !Number.isFinite(value)) throw new UsageError(`--${name} must be a number: ${given}`);
  return value;
}

/** `90s`, `10m`, `2h` or `3d`, in seconds. */
export function seconds(values: Values, name: string): number | undefined {
  const given = text(values, name);
  if (given === undefined) return undefined;
  const [, amount, unit] = /^(\d+)([smhd])$/.exec(given) ?? [];
  if (!amount || !unit) throw new UsageError(`--${name} must be a time such as 90s, 10m, 2h or 3d: ${given}`);
  return Number(amount) * UNITS[unit]!;
}

/** A time with its zone, as RFC 3339 in UTC. */
export function time(values: Values, name: string): string | undefined {
  const given = text(values, name);
  if (given === undefined) return undefined;
  const value = /^\d{4}-\d\d-\d\dT\S+(Z|[+-]\d\d:\d\d)$/.test(given) ? new Date(given) : undefined;
  if (!value || Number.isNaN(value.getTime()))
    throw new UsageError(`--${name} must be a time with its zone, such as 2026-11-21T10:00:00Z: ${given}`);
  return value.toISOString();
}

export const byHandOptions = { reason: { type: 'string' }, actor: { type: 'string' } } as const;

/** Who does it and why; it is kept. */
export function byHand(values: Values): { actor: string; reason: string } {
  const reason = text(values, 'reason');
  if (!reason) throw new UsageError('--reason must say why; it is kept with what is done.');
  return { actor: actor(values), reason };
}

export function actor(values: Values): string {
  return text(values, 'actor') ?? userInfo().username;
}
