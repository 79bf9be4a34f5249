import { auditTopics } from './audit';
import { deadLetterTopic } from './dead-letter';
import { topics } from './events';
import { requests, requestTopics } from './requests';
import { brokerGroup } from './delivery';
import { topology } from './topology';

/** Every topic that we publish to, with the groups that must each find its messages: what setup declares. */
export const declarations: readonly { topic: string; groups: readonly string[] }[] = [
  ...topics.map((topic) => ({ topic, groups: topology[topic].consumers.map((group) => brokerGroup(topic, group)) })),
  ...auditTopics,
  deadLetterTopic,
  ...requestTopics(requests),
];
