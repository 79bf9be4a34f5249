import { cpSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { binary } from '@order-events/testing';
import type { StandIn } from './stand-in';
import { packages } from './stand-in';

const entrypoint = `#!/bin/sh
set -e
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  echo "$POSTGRES_PASSWORD" > /tmp/password
  initdb -U postgres --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256 $POSTGRES_INITDB_ARGS
  rm /tmp/password
  echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
  echo "listen_addresses = '*'" >> "$PGDATA/postgresql.conf"
  pg_ctl -w start -o "-c listen_addresses=''"
  for file in /docker-entrypoint-initdb.d/*.sql; do psql -v ON_ERROR_STOP=1 -U postgres -f "$file"; done
  pg_ctl -w -m fast stop
fi
exec "$@"
`;

/** The server that the tests use, with Debian's clients. */
export const postgres: StandIn = {
  dockerfile: `FROM debian:bookworm-slim
RUN groupadd -r -g 999 postgres && useradd -r -u 999 -g postgres postgres \\
  && install -d -o postgres -g postgres -m 1777 /var/lib/postgresql
${packages('postgresql-client-15')}
COPY native /usr/lib/postgresql/18
COPY entrypoint.sh /usr/local/bin/docker-entrypoint.sh
ENV PATH=$PATH:/usr/lib/postgresql/18/bin PGDATA=/var/lib/postgresql/18/docker PGHOST=/tmp
VOLUME /var/lib/postgresql
ENTRYPOINT ["docker-entrypoint.sh"]
STOPSIGNAL SIGINT
CMD ["postgres"]
`,
  files: { 'entrypoint.sh': entrypoint },
  fetch(context) {
    cpSync(dirname(dirname(binary('postgres'))), join(context, 'native'), { recursive: true, verbatimSymlinks: true });
    return Promise.resolve();
  },
};
