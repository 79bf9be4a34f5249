import { databaseAnswers, loadConfig, runOnce } from '@order-events/service-kit';
import { migrate } from '@order-events/store/migrate';
import { migrations } from './migrations';

const SETTINGS = ['OWNER_DATABASE_URL', 'LOGIN_ROLE'] as const;

runOnce('setup of sandbox', async () => {
  const { OWNER_DATABASE_URL: ownerUrl, LOGIN_ROLE: loginRole } = loadConfig(SETTINGS, { LOGIN_ROLE: 'sandbox' });
  await databaseAnswers(ownerUrl);
  await migrate({ ownerUrl, loginRole, migrations });
});
