import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { recipes } from '@order-events/testing';
import { packages, type StandIn } from './stand-in';

const tool = (main: string) => `#!/bin/sh
exec java $KAFKA_HEAP_OPTS $KAFKA_JVM_PERFORMANCE_OPTS -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp '/opt/kafka/libs/*' ${main} "$@"
`;

const run = `#!/bin/sh
set -e
config=/mnt/shared/config/server.properties
/opt/kafka/bin/kafka-storage.sh format --ignore-formatted -t 5L6g3nShT-eMCtK--X86sw -c $config
exec /opt/kafka/bin/kafka-server-start.sh $config
`;

export const kafka: StandIn = {
  dockerfile: `FROM debian:bookworm-slim
# The package of Java expects folders that a small system lacks.
RUN mkdir -p /usr/share/man/man1
${packages('openjdk-17-jre-headless')}
RUN useradd -u 1000 appuser && install -d -o appuser /var/lib/kafka/data
COPY libs /opt/kafka/libs
COPY bin /opt/kafka/bin
COPY run /etc/kafka/docker/run
USER appuser
VOLUME /var/lib/kafka/data
CMD ["/etc/kafka/docker/run"]
`,
  files: {
    run,
    'bin/kafka-storage.sh': tool('kafka.tools.StorageTool'),
    'bin/kafka-server-start.sh': tool('kafka.Kafka'),
    'bin/kafka-broker-api-versions.sh': tool('org.apache.kafka.tools.BrokerApiVersionsCommand'),
  },
  async fetch(context, say) {
    const { programs } = await recipes.kafka.install(say);
    cpSync(join(programs, 'libs'), join(context, 'libs'), { recursive: true });
  },
};
