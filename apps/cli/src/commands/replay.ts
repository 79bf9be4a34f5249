import { isTopic, topology } from '@order-events/contracts';
import { UsageError, type Call, type Command, type Result } from '../command';
import { actor, byHand, byHandOptions, text, time } from './options';

interface Replay {
  count: number;
}

/** A topic has one publisher, which has it in its log. */
async function replay({ services, args, values }: Call): Promise<Result> {
  const [group] = args as [string];
  const topic = text(values, 'topic') ?? '';
  if (!isTopic(topic)) throw new UsageError(`--topic must say of what, such as order.created: ${topic}`);
  const { publisher, consumers } = topology[topic];
  if (!consumers.some((consumer) => consumer === group))
    throw new UsageError(`${topic} is not for ${group}, but for ${consumers.join(', ')}.`);
  const since = time(values, 'since');
  if (since === undefined) throw new UsageError('--since must say from when on.');
  const dryRun = values['dry-run'] === true;
  const by = dryRun ? { actor: actor(values) } : byHand(values);
  const answer = await services.ask<Replay>(publisher, '/replay', { group, topic, since, ...by, dry_run: dryRun });
  if (answer === undefined) return { text: '', data: null };
  if (answer === null) {
    const why = `${publisher} was not set up to publish ${topic} for ${group}.`;
    return { text: why, data: null, failed: true };
  }
  const told = `${answer.count} ${topic} that ${publisher} told since ${since}`;
  const done = `${group} is asked about ${told}, and is sent what it does not hold; audit --group ${group} shows how far it is`;
  return { text: dryRun ? `${group} would be asked about ${told}` : done, data: answer };
}

export const replayCommands: readonly Command[] = [
  {
    name: 'replay',
    args: ['GROUP'],
    options: {
      topic: { type: 'string' },
      since: { type: 'string' },
      'dry-run': { type: 'boolean' },
      ...byHandOptions,
    },
    needs: ['topic', 'since'],
    does: `Brings a group that is new what was told of one topic before, as far as the publisher's log still has it. The
      delivery audit does it: it asks which of those events the group does not hold, and sends them again, at 20 a second or 5 %
      of what the publisher tells, whichever is more. It survives restarts; one at a time for each publisher and group.`,
    run: replay,
  },
];
