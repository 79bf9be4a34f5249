import { runSetup } from '@order-events/service-kit/setup';
import { migrations } from './store/migrations';
import { seed } from './store/seed';

runSetup({ service: 'order-api', migrations, seed });
