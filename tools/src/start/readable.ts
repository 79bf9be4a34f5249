const levels: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

/** What a reader on a terminal knows already, or sees at its own place in the line. */
const shownElsewhere = ['level', 'time', 'pid', 'hostname', 'name', 'service', 'msg', 'err'];

interface Entry extends Record<string, unknown> {
  level: string | number;
  /** Milliseconds, or as text. */
  time: string | number;
  msg?: string;
  err?: { stack?: string; message?: string };
}

/** The lines to show for one line of a service's log, which is JSON. Any other line is shown as it is. */
export function readable(line: string): string[] {
  const entry = parse(line);
  if (!entry) return [line];
  const { time, msg, err } = entry;
  const level = typeof entry.level === 'number' ? (levels[entry.level] ?? String(entry.level)) : entry.level;
  const details = Object.entries(entry)
    .filter(([key]) => !shownElsewhere.includes(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  // Where it happened is of interest when something is wrong; a warning says what goes on without help.
  const stack = level === 'error' || level === 'fatal' ? (err?.stack?.split('\n') ?? []) : [];
  const message = stack.length === 0 ? err?.message : undefined;
  const clock = new Date(time).toISOString().slice(11, 23);
  const text = [msg, message].filter((part) => part !== undefined).join(': ');
  return [[clock, level.padEnd(5), text, ...details].join(' '), ...stack];
}

function parse(line: string): Entry | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const entry = JSON.parse(line) as Partial<Entry>;
    const { level, time } = entry;
    return level !== undefined && time !== undefined && !Number.isNaN(new Date(time).getTime())
      ? (entry as Entry)
      : undefined;
  } catch {
    return undefined; // it only looked like JSON
  }
}
