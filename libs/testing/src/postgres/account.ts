import { type SpawnOptions, spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** How to run a program of Postgres, which refuses to be root: the words before the program, and spawn's options. */
export interface RunAs {
  prefix: readonly string[];
  options: Pick<SpawnOptions, 'uid' | 'gid'>;
}

export interface Account {
  name: string;
  uid: number;
  gid: number;
}

/** The account that a server started by root runs under; undefined for an ordinary user, who is it themselves. */
export function serverAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const wanted of ['postgres', 'nobody']) {
    const [name, , uid, gid] = lines.find((line) => line.startsWith(`${wanted}:`))?.split(':') ?? [];
    if (name && uid && gid) return { name, uid: Number(uid), gid: Number(gid) };
  }
  throw new Error('Postgres refuses to run as root, and there is no account "postgres" or "nobody" to run it under.');
}

/**
 * @param paths what the account must be able to reach; where a directory on the way is closed to it, the program is given
 *   the capability to pass through instead
 */
export function runAs(account: Account | undefined, paths: readonly string[]): RunAs {
  if (!account) return { prefix: [], options: {} };
  const closed = paths.map((path) => closedDirectory(path, account)).find((directory) => directory !== undefined);
  if (closed === undefined) return { prefix: [], options: { uid: account.uid, gid: account.gid } };
  const prefix = [
    'setpriv',
    `--reuid=${account.uid}`,
    `--regid=${account.gid}`,
    '--clear-groups',
    '--inh-caps=+dac_read_search',
    '--ambient-caps=+dac_read_search',
    // Without it access(2), with which initdb looks for its programs, takes no notice of capabilities.
    '--securebits=+no_setuid_fixup',
  ];
  const { status, stderr, error } = spawnSync('setpriv', [...prefix.slice(1), 'true'], { encoding: 'utf8', cwd: '/' });
  if (status === 0) return { prefix, options: {} };
  throw new Error(
    `Postgres cannot run as root, and the account "${account.name}" may not pass through ${closed} ` +
      `(${(error?.message ?? stderr).trim()}). Make that directory searchable (chmod o+x), put the data elsewhere ` +
      '(DATA_DIR), or start as an ordinary user.',
  );
}

/** The directory above `path`, nearest to the root, that the account may not search. */
function closedDirectory(path: string, account: Account): string | undefined {
  const parent = dirname(path);
  if (parent === path) return undefined;
  const { mode, uid, gid } = statSync(parent);
  const searchable = mode & (uid === account.uid ? 0o100 : gid === account.gid ? 0o010 : 0o001);
  return closedDirectory(parent, account) ?? (searchable ? undefined : parent);
}
