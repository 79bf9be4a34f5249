import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { work } from '@order-events/testing';
import type { StandIn } from './stand-in';

const authorities = '/etc/ssl/certs/ca-certificates.crt';

/** Node's binary and npm as npm's registry has them. */
export const node: StandIn = {
  dockerfile: `FROM debian:bookworm-slim
COPY node_modules/node-linux-${process.arch}/bin/node /usr/local/bin/
COPY node_modules/npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx
# Whatever authority this machine trusts, the builds on it do, too.
COPY ca-certificates.crt ${authorities}
ENV NODE_EXTRA_CA_CERTS=${authorities}
`,
  files: { 'package.json': '{}' },
  async fetch(context, say) {
    const args = ['install', '--no-audit', '--no-fund', '--no-save', `node-linux-${process.arch}@24`, 'npm@11'];
    await work({ title: 'Fetching Node 24', command: 'npm', args, cwd: context }, say);
    copyFileSync(authorities, join(context, 'ca-certificates.crt'));
  },
};
