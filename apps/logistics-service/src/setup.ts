import { runSetup } from '@order-events/service-kit';
import { migrations } from './store/migrations';

runSetup({ service: 'logistics', migrations });
