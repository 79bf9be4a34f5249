import type { DynamicModule, OnApplicationShutdown } from '@nestjs/common';
import type { Config, Logger, ServiceConfig } from '@order-events/service-kit';
import { EntityStore, orderRoute } from '@order-events/service-kit/entities';
import { EventsModule } from '@order-events/service-kit/nest';
import { tables } from './domain';
import { OrdersController } from './handlers/orders.controller';
import { sendMail } from './handlers/send-mail';
import { SmtpMailer } from './mail/smtp-mailer';
import { entities, MailsEntity } from './store/entities';

/** The whole service. */
export function emailModule(config: ServiceConfig & Config<'SMTP_URL' | 'MAIL_FROM'>, log: Logger): DynamicModule {
  const mailer = new SmtpMailer({ url: config.SMTP_URL, from: config.MAIL_FROM, connections: config.EFFECTS_PARALLEL });
  return {
    module: class EmailModule implements OnApplicationShutdown {
      // Nest asks for this when the machinery has stopped, so no mail is under way any more.
      onApplicationShutdown(): void {
        mailer.close();
      }
    },
    imports: [
      EventsModule.forService({
        service: 'email',
        tables,
        config,
        log,
        effects: [sendMail(mailer)],
        routes: (service) =>
          orderRoute(
            service.open((database) => new EntityStore({ ...database, entities })),
            MailsEntity,
          ),
      }),
    ],
    controllers: [OrdersController],
  };
}
