import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cached, type Say, versionOf, work } from '@order-events/testing';

const isInstalled = versionOf('promtool', '--version') !== undefined;
const canBeFetched = ['apt-get', 'dpkg'].every((program) => versionOf(program, '--version') !== undefined);

/** Why Prometheus' own program that reads its files cannot be had; undefined when it can. */
export const missing =
  isInstalled || canBeFetched ? undefined : 'there is no promtool on PATH, and no apt-get to fetch it with';

/** Where it is: the installed one, else Debian's, which is fetched once and not installed. */
export async function promtool(say: Say): Promise<string> {
  if (isInstalled) return 'promtool';
  const directory = await cached('promtool', async (cwd) => {
    await work({ title: 'Fetching promtool', command: 'apt-get', args: ['download', 'prometheus'], cwd }, say);
    const archive = readdirSync(cwd).find((name) => name.endsWith('.deb'))!;
    await work({ title: 'Unpacking promtool', command: 'dpkg', args: ['-x', archive, '.'], cwd }, say);
  });
  return join(directory, 'usr', 'bin', 'promtool');
}
