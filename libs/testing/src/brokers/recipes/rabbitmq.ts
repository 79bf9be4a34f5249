import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { versionOf, work } from '../cache';
import { probeAmqp, probeEpmd } from '../probe';
import type { Layout, Part, Recipe, Say, Setup } from '../recipe';

/** Where Debian's package puts it. The command on PATH would change user, and run one server only. */
const script = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const libraries = '/usr/lib/rabbitmq/lib';

/** RabbitMQ with its management plugin, in the version that Debian has; 3.10 and newer know quorum queues. */
export const rabbitmq: Recipe = {
  name: 'rabbitmq',
  brokers: 1,

  missing() {
    if (existsSync(script)) return undefined;
    const canInstall = process.getuid?.() === 0 && versionOf('apt-get', '--version') !== undefined;
    if (canInstall && readFileSync('/etc/os-release', 'utf8').includes('debian')) return undefined;
    return `Debian's package is not installed (there is no ${script}). Run: apt-get install rabbitmq-server`;
  },

  async install(say) {
    if (!existsSync(script)) await withoutService(() => aptInstall(say));
    const [, version = 'unknown'] = /rabbitmq_server-(\S+)/.exec(readdirSync(libraries).join(' ')) ?? [];
    return { programs: dirname(script), version };
  },

  ports: () => ({ client: 5672, management: 15_672, distribution: 5673, names: 5674 }),

  layout(setup): Layout {
    const { port, advertised, security } = setup;
    const address = `127.0.0.1:${port('client')}`;
    const found = `127.0.0.1:${advertised('client')}`;
    const url = security ? `amqps://${security.user}:${security.password}@${found}` : `amqp://guest:guest@${found}`;
    const lines = [
      ...(security
        ? [
            'listeners.tcp = none',
            `listeners.ssl.1 = ${address}`,
            `ssl_options.cacertfile = ${security.certificate}`,
            `ssl_options.certfile = ${security.certificate}`,
            `ssl_options.keyfile = ${security.key}`,
            'ssl_options.verify = verify_none',
            `default_user = ${security.user}`,
            `default_pass = ${security.password}`,
          ]
        : [`listeners.tcp.1 = ${address}`]),
      'management.tcp.ip = 127.0.0.1',
      `management.tcp.port = ${port('management')}`,
      'log.console = true',
    ];
    return {
      env: { AMQP_URL: url },
      files: {
        'rabbitmq.conf': `${lines.join('\n')}\n`,
        // In place of the machine's own, which is for the machine's own server.
        'rabbitmq-env.conf': '',
        enabled_plugins: '[rabbitmq_management].\n',
        'home/.keep': '',
      },
      parts: [[names(setup)], [server(setup)]],
    };
  },
};

/** Erlang's register of nodes: one for each server, so that none depends on another's, and all of it ends with it. */
function names({ port }: Setup): Part {
  const number = String(port('names'));
  return {
    name: 'epmd',
    command: 'epmd',
    args: ['-address', '127.0.0.1', '-port', number],
    mark: `-port ${number}`,
    helper: true,
    probe: () => probeEpmd({ host: '127.0.0.1', port: port('names') }),
  };
}

function server({ directory, port, security }: Setup): Part {
  const inside = (path: string) => join(directory, path);
  const onLoopback = ['-kernel', 'inet_dist_use_interface', '{127,0,0,1}'];
  return {
    name: 'rabbitmq',
    command: script,
    // The first word reaches Erlang too, which keeps what it does not know: the mark of this server.
    args: ['-order_events', directory, '-noinput', ...onLoopback],
    env: {
      // Lets the script become the server instead of starting it, so that there is one process to know and to kill.
      RABBITMQ_ALLOW_INPUT: '1',
      HOME: inside('home'),
      ERL_EPMD_ADDRESS: '127.0.0.1',
      ERL_EPMD_PORT: String(port('names')),
      RABBITMQ_NODENAME: `order-events-${port('client')}@localhost`,
      RABBITMQ_DIST_PORT: String(port('distribution')),
      RABBITMQ_MNESIA_BASE: inside('data'),
      RABBITMQ_LOG_BASE: inside('log'),
      RABBITMQ_CONFIG_FILE: inside('rabbitmq.conf'),
      RABBITMQ_CONF_ENV_FILE: inside('rabbitmq-env.conf'),
      RABBITMQ_ENABLED_PLUGINS_FILE: inside('enabled_plugins'),
      RABBITMQ_GENERATED_CONFIG_DIR: inside('generated'),
    },
    mark: `-order_events ${directory} `,
    probe: () => probeAmqp({ host: '127.0.0.1', port: port('client') }, security !== undefined),
  };
}

async function aptInstall(say: Say): Promise<void> {
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (title: string, args: string[]) => work({ title, command: 'apt-get', args, cwd: '/', env }, say);
  const install = ['install', '-y', '-q', '--no-install-recommends', 'rabbitmq-server'];
  await apt("Installing Debian's rabbitmq-server", install).catch(async () => {
    // The usual reason on a new machine.
    await apt('Reading the package lists', ['update', '-q']);
    await apt("Installing Debian's rabbitmq-server", install);
  });
}

const policy = '/usr/sbin/policy-rc.d';

/** The package would start a server of the machine's own, which listens on every address. */
async function withoutService(install: () => Promise<void>): Promise<void> {
  if (existsSync(policy)) return install();
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  return install().finally(() => rmSync(policy));
}
