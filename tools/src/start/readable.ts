const levels: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

/** What a reader on a terminal knows already, or sees in front of the line. */
const known = ['level', 'time', 'pid', 'hostname', 'name', 'service', 'msg', 'err'];

interface Entry extends Record<string, unknown> {
  level: number;
  time: number;
  msg?: string;
  err?: { stack?: string; message?: string };
}

/** The lines to show for one line of a service's log, which is JSON; any other line is shown as it is. */
export function readable(line: string): string[] {
  const entry = parse(line);
  if (!entry) return [line];
  const { level, time, msg = '', err } = entry;
  const details = Object.entries(entry)
    .filter(([key]) => !known.includes(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const clock = new Date(time).toISOString().slice(11, 23);
  const text = [clock, (levels[level] ?? String(level)).padEnd(5), msg, ...details].join(' ');
  return [text, ...(err?.stack ?? err?.message ?? '').split('\n').filter(Boolean)];
}

function parse(line: string): Entry | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const entry = JSON.parse(line) as Partial<Entry>;
    return typeof entry.level === 'number' && typeof entry.time === 'number' ? (entry as Entry) : undefined;
  } catch {
    return undefined; // it only looked like JSON
  }
}
