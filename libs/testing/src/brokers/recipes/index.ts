import type { BrokerName, Recipe } from '../recipe';
import { kafka } from './kafka';
import { nats } from './nats';
import { nsq } from './nsq';
import { rabbitmq } from './rabbitmq';
import { redis } from './redis';

export const recipes: Readonly<Record<BrokerName, Recipe>> = { kafka, rabbitmq, nats, nsq, redis };
