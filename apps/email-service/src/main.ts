import { loadConfig, SERVICE_SETTINGS } from '@order-events/service-kit';
import { EventsModule, runService } from '@order-events/service-kit/nest';
import { tables } from './domain';
import { OrdersController } from './handlers/orders.controller';
import { sendMail } from './handlers/send-mail';
import { SmtpMailer } from './mail/smtp-mailer';

runService('email', {
  config: () => loadConfig([...SERVICE_SETTINGS, 'SMTP_URL'], { OPERATOR_PORT: 3041 }),
  module: (config, log) => {
    const effects = [sendMail(new SmtpMailer({ url: config.SMTP_URL, connections: config.EFFECTS_PARALLEL }))];
    return {
      module: class EmailModule {},
      imports: [EventsModule.forService({ service: 'email', tables, config, log, effects })],
      controllers: [OrdersController],
    };
  },
});
