import { nameOf } from '../durable';
import type { Described } from './rules';

/** What makes a container healthy, by its image, and where it holds several programs by that, too. Nothing less will do. */
const questions: Readonly<Record<string, string>> = {
  postgres: 'CMD pg_isready --host=127.0.0.1 --username=postgres',
  'apache/kafka':
    "CMD-SHELL KAFKA_HEAP_OPTS=-Xmx64m KAFKA_JVM_PERFORMANCE_OPTS='-XX:+UseSerialGC -XX:TieredStopAtLevel=1' " +
    '/opt/kafka/bin/kafka-broker-api-versions.sh --bootstrap-server kafka:9092',
  rabbitmq: 'CMD rabbitmq-diagnostics --quiet check_port_connectivity',
  nats: 'CMD wget -q -O - http://127.0.0.1:8222/healthz',
  'nsqio/nsq /nsqlookupd': 'CMD wget -q -O - http://127.0.0.1:4161/ping',
  'nsqio/nsq /nsqd': 'CMD wget -q -O - http://127.0.0.1:4151/ping',
  'nsqio/nsq /nsqadmin': 'CMD wget -q -O - http://127.0.0.1:4171/ping',
  'prom/prometheus': 'CMD wget -q -O - http://127.0.0.1:9090/-/ready',
  'grafana/grafana': 'CMD wget -q -O - http://127.0.0.1:3000/api/health',
  'jaegertracing/jaeger': 'CMD wget -q -O - http://127.0.0.1:13133/status',
};
const ours = 'CMD node /app/ready.cjs';

/** Whether its health check asks what its program can be asked. */
export function asksWhatItShould({ image, build, command, healthcheck }: Described): boolean {
  const name = nameOf(image);
  const question = build ? ours : (questions[`${name} ${command?.[0]}`] ?? questions[name]);
  return healthcheck?.disable !== true && question !== undefined && healthcheck?.test?.join(' ') === question;
}
