import { pidsIn, readInstance, speaks } from '@order-events/testing';
import { readDocker } from './docker';
import { addressOf, type Place } from './place';

export interface Status {
  name: string;
  version: string;
  where: 'native' | 'docker' | 'found' | '-';
  address: string;
  pid: string;
  since: string;
  healthy: 'yes' | 'no' | '-';
}

/** What is there: `found` is one that this command did not start. */
export async function status(place: Place): Promise<Status> {
  const { name, env, directory } = place;
  const version = await speaks(name, env).catch(() => undefined);
  const containers = readDocker(place);
  const pids = pidsIn(directory);
  const instance = Object.keys(pids).length > 0 ? readInstance(directory) : undefined;
  const where = containers ? 'docker' : instance ? 'native' : version !== undefined ? 'found' : '-';
  return {
    name,
    version: containers?.version ?? instance?.version ?? version ?? '-',
    where,
    address: addressOf(place),
    pid: Object.values(pids).join(' ') || '-',
    since: containers?.since ?? instance?.since ?? '-',
    healthy: version !== undefined ? 'yes' : where === '-' ? '-' : 'no',
  };
}

/** The lines of a table. Pure. */
export function table(rows: readonly Status[]): string[] {
  const titles: (keyof Status)[] = ['name', 'version', 'where', 'address', 'pid', 'since', 'healthy'];
  const cells = [titles, ...rows.map((row) => titles.map((title) => row[title]))];
  const widths = titles.map((_, column) => Math.max(...cells.map((line) => line[column]!.length)));
  return cells.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}
