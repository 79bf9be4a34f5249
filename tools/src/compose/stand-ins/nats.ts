import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { recipes } from '@order-events/testing';
import { type StandIn, wget } from './stand-in';

export const nats: StandIn = {
  dockerfile: `FROM debian:bookworm-slim
${wget}
COPY nats-server /usr/local/bin/
ENTRYPOINT ["nats-server"]
`,
  async fetch(context, say) {
    const { programs } = await recipes.nats.install(say);
    copyFileSync(join(programs, 'nats-server'), join(context, 'nats-server'));
  },
};
