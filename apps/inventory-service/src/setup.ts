import { runSetup } from '@order-events/service-kit';
import { migrations } from './store/migrations';
import { seed } from './store/seed';
runSetup({ service: 'inventory', migrations, seed });
