import { kafka } from './kafka';
import { nats } from './nats';
import { node } from './node';
import { nsq } from './nsq';
import { postgres } from './postgres';
import { rabbitmq } from './rabbitmq';
import type { StandIn } from './stand-in';

/** By the name of the image, without its version. `debian` is made in a way of its own. */
export const standIns: Readonly<Record<string, StandIn>> = {
  node,
  postgres,
  'apache/kafka': kafka,
  rabbitmq,
  nats,
  'nsqio/nsq': nsq,
};
