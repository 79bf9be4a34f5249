import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cached, isCached, versionOf, work } from '../cache';
import { probeHttp, probeNsqd, probeNsqlookupd, registeredNsqds } from '../probe';
import type { Layout, Part, Recipe, Setup } from '../recipe';
import type { Security } from '../security';

const version = '1.3.0';
const folder = `nsq-${version}-with-admin`;

/** `go install` refuses NSQ because of the replacement in its go.mod; a module of our own that repeats it does not. */
const goMod = `module brokers

go 1.23

require github.com/nsqio/nsq v${version}

replace github.com/judwhite/go-svc => github.com/mreiferson/go-svc v1.2.2-0.20210815184239-7a96e00010f6
`;

/** nsqd, as often as asked, with one nsqlookupd. */
export const nsq: Recipe = {
  name: 'nsq',
  brokers: 2,

  missing() {
    if (isCached(folder) || versionOf('go', 'version') !== undefined) return undefined;
    return 'no Go was found, with which it is compiled (no go on PATH). Install Go.';
  },

  async install(say) {
    const programs = await cached(folder, (directory) => {
      writeFileSync(join(directory, 'go.mod'), goMod);
      const apps = ['nsqd', 'nsqlookupd', 'nsqadmin'].map((app) => `github.com/nsqio/nsq/apps/${app}`);
      const title = `Compiling NSQ ${version}`;
      const args = ['build', '-mod=mod', '-o', `${directory}/`, ...apps];
      return work({ title, command: 'go', args, cwd: directory }, say);
    });
    return { programs, version };
  },

  ports: (brokers) => ({
    'lookup-tcp': 4160,
    'client-lookup': 4161,
    auth: 4170,
    ...Object.fromEntries(
      each(brokers).flatMap((id) => [
        [`client-${id}`, 4148 + 2 * id],
        [`http-${id}`, 4149 + 2 * id],
      ]),
    ),
  }),

  layout(setup): Layout {
    const { advertised, security } = setup;
    const daemons = each(setup.brokers);
    return {
      env: {
        NSQD_ADDRESSES: daemons.map((id) => `127.0.0.1:${advertised(`client-${id}`)}`).join(','),
        NSQLOOKUPD_ADDRESSES: `127.0.0.1:${advertised('client-lookup')}`,
      },
      files: {
        // nsqlookupd keeps nothing and is not told its directory otherwise.
        'nsqlookupd.cfg': '',
        ...Object.fromEntries(daemons.map((id) => [`data-${id}/.keep`, ''])),
        ...(security && { 'authority.cjs': authority(security) }),
      },
      parts: [[lookup(setup), ...(security ? [authorities(setup)] : [])], daemons.map((id) => daemon(setup, id))],
    };
  },
};

const each = (brokers: number) => Array.from({ length: brokers }, (_, index) => index + 1);

function lookup({ directory, programs, port }: Setup): Part {
  const config = join(directory, 'nsqlookupd.cfg');
  const addresses = [
    `-tcp-address=127.0.0.1:${port('lookup-tcp')}`,
    `-http-address=127.0.0.1:${port('client-lookup')}`,
  ];
  return {
    name: 'nsqlookupd',
    command: join(programs, 'nsqlookupd'),
    args: [`-config=${config}`, ...addresses, '-broadcast-address=127.0.0.1'],
    mark: config,
    helper: true,
    probe: () => probeNsqlookupd({ host: '127.0.0.1', port: port('client-lookup') }),
  };
}

function daemon({ directory, programs, port, advertised, security }: Setup, id: number): Part {
  const data = join(directory, `data-${id}`);
  return {
    name: `nsqd-${id}`,
    command: join(programs, 'nsqd'),
    args: [
      `-data-path=${data}`,
      `-tcp-address=127.0.0.1:${port(`client-${id}`)}`,
      `-http-address=127.0.0.1:${port(`http-${id}`)}`,
      '-https-address=',
      '-broadcast-address=127.0.0.1',
      `-broadcast-tcp-port=${advertised(`client-${id}`)}`,
      `-lookupd-tcp-address=127.0.0.1:${port('lookup-tcp')}`,
      // The default is made from the host's name, and part of every message id: two on one host would give the same ids.
      `-node-id=${id}`,
      // Every message goes to the disk, and is synced before the next one. What is in flight is in memory all the same.
      '-mem-queue-size=0',
      '-sync-every=1',
      ...(security ? secured(security, port('auth')) : []),
    ],
    mark: `-data-path=${data} `,
    async probe() {
      await probeNsqd({ host: '127.0.0.1', port: port(`client-${id}`) });
      await probeHttp({ host: '127.0.0.1', port: port(`http-${id}`) }, '/ping');
      const registered = await registeredNsqds({ host: '127.0.0.1', port: port('client-lookup') });
      if (!registered.includes(advertised(`client-${id}`))) throw new Error(`nsqlookupd does not know nsqd-${id} yet`);
    },
  };
}

const secured = ({ certificate, key }: Security, authPort: number) => [
  `-tls-cert=${certificate}`,
  `-tls-key=${key}`,
  '-tls-required=tcp-https',
  `-auth-http-address=127.0.0.1:${authPort}`,
];

/** nsqd knows no passwords, it asks a server of the operator's about the secret that a client sends with AUTH. */
function authorities({ directory, port }: Setup): Part {
  const file = join(directory, 'authority.cjs');
  return {
    name: 'authority',
    command: process.execPath,
    args: [file, String(port('auth'))],
    mark: file,
    helper: true,
    probe: () => probeHttp({ host: '127.0.0.1', port: port('auth') }, '/ping'),
  };
}

const authority = ({ user, password }: Security) => `'use strict';
const everything = [{ topic: '.*', channels: ['.*'], permissions: ['subscribe', 'publish'] }];
require('node:http').createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  const known = searchParams.get('secret') === ${JSON.stringify(password)};
  const authorizations = known ? everything : [];
  response.end(pathname === '/ping' ? 'OK' : JSON.stringify({ ttl: 60, identity: ${JSON.stringify(user)}, authorizations }));
}).listen(Number(process.argv[2]), '127.0.0.1');
`;
