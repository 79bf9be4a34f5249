import type { TransportConfig } from '../transports';

/** How the settings say that each broker is reached: what its client is opened with. */
export const reached = {
  kafka: (config: TransportConfig) => {
    const protocol = config.KAFKA_SECURITY_PROTOCOL;
    const sasl = protocol.startsWith('sasl') && {
      mechanism: config.KAFKA_SASL_MECHANISM,
      username: config.KAFKA_SASL_USERNAME ?? '',
      password: config.KAFKA_SASL_PASSWORD ?? '',
    };
    return {
      brokers: config.KAFKA_BROKERS!,
      ...(protocol.endsWith('ssl') && { tls: files(config) ?? {} }),
      ...(sasl && { sasl }),
    };
  },
  rabbitmq: (config: TransportConfig) => ({ url: config.AMQP_URL!, tls: files(config) }),
  nats: (config: TransportConfig) => ({ url: config.NATS_URL!, tls: files(config) }),
  redis: (config: TransportConfig) => ({ url: config.REDIS_URL!, tls: files(config) }),
  nsq: (config: TransportConfig) => ({
    nsqdAddresses: config.NSQD_ADDRESSES!,
    nsqlookupdAddresses: config.NSQLOOKUPD_ADDRESSES,
    ...(config.NSQ_TLS && { tls: files(config) ?? {} }),
    secret: config.NSQ_AUTH_SECRET,
  }),
};

function files({ BROKER_CA_FILE: caFile, BROKER_CERT_FILE: certFile, BROKER_KEY_FILE: keyFile }: TransportConfig) {
  return caFile || certFile || keyFile ? { caFile, certFile, keyFile } : undefined;
}
