import { loadConfig, SERVICE_SETTINGS } from '@order-events/service-kit';
import { runService } from '@order-events/service-kit/nest';
import { emailModule } from './email.module';

runService('email', {
  config: () => loadConfig([...SERVICE_SETTINGS, 'SMTP_URL', 'MAIL_FROM'], { OPERATOR_PORT: 3041 }),
  module: emailModule,
});
