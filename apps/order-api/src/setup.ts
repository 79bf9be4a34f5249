import { runSetup } from '@order-events/service-kit/setup';
import { setUpBridge } from './bridge/set-up';
import { migrations } from './store/migrations';
import { seed } from './store/seed';

runSetup({ service: 'order-api', migrations, seed, also: setUpBridge });
