import { join } from 'node:path';
import { versionOf } from '../cache';
import { probeRedis } from '../probe';
import type { Layout, Recipe } from '../recipe';

/** All that docs/transports/redis.md says a user of ours needs: the conformance run with a password holds it to that. */
const RIGHTS = '+@stream +eval +exists +time +sadd +smembers +info +ping +pubsub +subscribe';

/** Redis as it is on PATH; 7.0 is what Debian 12 has. */
export const redis: Recipe = {
  name: 'redis',
  brokers: 1,

  missing() {
    if (versionOf('redis-server', '--version') !== undefined) return undefined;
    return 'no redis-server was found on PATH. Run: apt-get install redis-server';
  },

  install() {
    const [, version = 'unknown'] = /v=(\S+)/.exec(versionOf('redis-server', '--version') ?? '') ?? [];
    return Promise.resolve({ programs: '', version });
  },

  ports: () => ({ client: 6379 }),

  layout({ directory, port, advertised, security }): Layout {
    const config = join(directory, 'redis.conf');
    const address = `127.0.0.1:${advertised('client')}`;
    const quoted = JSON.stringify;
    const lines = [
      'bind 127.0.0.1',
      ...(security
        ? [
            'port 0',
            `tls-port ${port('client')}`,
            `tls-cert-file ${quoted(security.certificate)}`,
            `tls-key-file ${quoted(security.key)}`,
            `tls-ca-cert-file ${quoted(security.certificate)}`,
            'tls-auth-clients no',
            'user default off',
            `user ${security.user} on >${security.password} ~* &* ${RIGHTS}`,
          ]
        : [`port ${port('client')}`]),
      `dir ${quoted(directory)}`,
      // Keeps the command line, by which it is known.
      'set-proc-title no',
      // Makes the answer to XADD mean that the event is on disk; the default is to forget all since the last snapshot.
      'appendonly yes',
      'appendfsync always',
      'save ""',
    ];
    const url = security ? `rediss://${security.user}:${security.password}@${address}` : `redis://${address}`;
    return {
      env: { REDIS_URL: url },
      files: { 'redis.conf': `${lines.join('\n')}\n` },
      parts: [
        [
          {
            name: 'redis',
            command: 'redis-server',
            args: [config],
            mark: config,
            probe: () => probeRedis({ host: '127.0.0.1', port: port('client') }, security !== undefined),
          },
        ],
      ],
    };
  },
};
