import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { recipes } from '@order-events/testing';
import { type StandIn, wget } from './stand-in';

const programs = ['nsqd', 'nsqlookupd', 'nsqadmin'];

export const nsq: StandIn = {
  dockerfile: `FROM debian:bookworm-slim
${wget}
COPY ${programs.join(' ')} /
VOLUME /data
`,
  async fetch(context, say) {
    const installed = await recipes.nsq.install(say);
    for (const program of programs) copyFileSync(join(installed.programs, program), join(context, program));
  },
};
