import { packages, type StandIn } from './stand-in';

/** RabbitMQ of Debian, which is older. Its own wrapper around the server would keep the signals to itself. */
export const rabbitmq: StandIn = {
  dockerfile: `FROM debian:bookworm-slim
# Nothing is to be started while it is installed.
RUN printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d
${packages('rabbitmq-server')}
COPY enabled_plugins /etc/rabbitmq/
COPY defaults.conf /etc/rabbitmq/conf.d/10-defaults.conf
# So it replaces the shell that starts it, and gets the signals.
ENV RUNNING_UNDER_SYSTEMD=true RABBITMQ_LOGS=- HOME=/var/lib/rabbitmq
VOLUME /var/lib/rabbitmq
CMD ["/usr/lib/rabbitmq/bin/rabbitmq-server"]
`,
  files: { enabled_plugins: '[rabbitmq_management].\n', 'defaults.conf': 'log.console.level = info\n' },
};
