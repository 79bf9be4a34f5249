import { join } from 'node:path';
import { cached, isCached, versionOf, work } from '../cache';
import { probeHttp, probeNats } from '../probe';
import type { Layout, Recipe } from '../recipe';

const version = '2.15.2';
const folder = `nats-${version}`;

/** NATS, with JetStream unless `coreOnly` is said. Debian's package is older and silently ignores options that it does not know. */
export const nats: Recipe = {
  name: 'nats',
  brokers: 1,

  missing() {
    if (isCached(folder) || versionOf('go', 'version') !== undefined) return undefined;
    return 'no Go was found, with which it is compiled (no go on PATH). Install Go.';
  },

  async install(say) {
    const programs = await cached(folder, (directory) => {
      const args = ['install', `github.com/nats-io/nats-server/v2@v${version}`];
      const title = `Compiling NATS ${version}`;
      return work({ title, command: 'go', args, cwd: directory, env: { GOBIN: directory } }, say);
    });
    return { programs, version };
  },

  ports: () => ({ client: 4222, monitor: 8222 }),

  layout({ directory, programs, port, advertised, security, coreOnly }): Layout {
    const config = join(directory, 'nats.conf');
    const quoted = JSON.stringify;
    const tls = security && [
      `tls { cert_file: ${quoted(security.certificate)}, key_file: ${quoted(security.key)} }`,
      `authorization { user: ${quoted(security.user)}, password: ${quoted(security.password)} }`,
    ];
    const address = `127.0.0.1:${port('client')}`;
    const found = `127.0.0.1:${advertised('client')}`;
    const url = security ? `tls://${security.user}:${security.password}@${found}` : `nats://${found}`;
    // The default syncs every two minutes; this makes the answer to a publish mean that the message is on disk.
    const jetstream = `jetstream { store_dir: ${quoted(join(directory, 'data'))}, sync_interval: always }`;
    const lines = [
      `listen: ${quoted(address)}`,
      `http: "127.0.0.1:${port('monitor')}"`,
      ...(coreOnly ? [] : [jetstream]),
      ...(tls ?? []),
    ];
    return {
      env: { NATS_URL: url },
      files: { 'nats.conf': `${lines.join('\n')}\n` },
      parts: [
        [
          {
            name: 'nats',
            command: join(programs, 'nats-server'),
            args: ['-c', config],
            mark: config,
            async probe() {
              await probeHttp({ host: '127.0.0.1', port: port('monitor') }, '/healthz');
              await probeNats({ host: '127.0.0.1', port: port('client') });
            },
          },
        ],
      ],
    };
  },
};
