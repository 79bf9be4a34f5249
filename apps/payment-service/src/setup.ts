import { runSetup } from '@order-events/service-kit/setup';
import { migrations } from './store/migrations';

runSetup({ service: 'payment', migrations });
