import type { AuditStore, DeliveryAuditOptions, Message, Transport } from '@order-events/messaging';
import { DeliveryAudit } from '@order-events/messaging';
import type { Parts, Place } from '../parts';
import { profiles, type Profile } from '../profiles';
import { but, type Bug } from './bug';
import { noAudit } from './lost-delivery';

type Publish = Transport['publish'];

/** It loses most of all. */
const loser: Profile = { ...profiles.find(({ name }) => name === 'nats-core')!, loses: 0.1 };
const forgetful = profiles.find(({ name }) => name === 'nsq')!;

export const auditBugs: readonly Bug[] = [
  { name: 'no audit, and a broker that loses', within: 5, profile: loser, parts: noAudit },
  { name: 'no audit, and a broker that forgets when it dies', within: 40, profile: forgetful, parts: noAudit },
  {
    name: 'no idle rule: what nothing comes after is waited for',
    within: 10,
    profile: loser,
    parts: publishing((publish) => (batch) => publish(batch.map((message) => changed(message, { idle: false })))),
  },
  {
    name: 'no patience: what has not come yet is lost',
    within: 100,
    parts: publishing((publish) => (batch) => publish(batch.map((message) => changed(message, { idle: true })))),
  },
  {
    name: 'looks into the inbox only before it waits for nothing more to come',
    within: 100,
    parts: storing((store) => {
      const looks = new Map<string, ReturnType<AuditStore['holding']>>();
      return {
        holding(...args) {
          const asked = `${args[0]} ${args[3]}`;
          const first = looks.get(asked);
          if (first) looks.delete(asked);
          else looks.set(asked, store.holding(...args));
          return first ?? looks.get(asked)!;
        },
      };
    }),
  },
  {
    name: 'asks for what is not published yet',
    within: 20,
    profile: loser,
    parts: storing((store, { database }) => ({
      log(group) {
        const log = store.log(group);
        return but(log, { page: (limit) => log.page(limit, String(database.outbox.length)) });
      },
    })),
  },
  {
    name: 'sent again under another id',
    within: 5,
    profile: loser,
    parts: publishing((publish, { replica }) => (batch) => {
      const renamed = (message: Message): Message => ({
        ...message,
        headers: { ...message.headers, 'ce-id': replica.runtime.eventId() },
      });
      return publish(batch.map((message) => (message.headers['ce-resend'] ? renamed(message) : message)));
    }),
  },
  {
    name: 'a question is asked only once',
    within: 20,
    profile: loser,
    parts: publishing((publish) => {
      const asked = new Set<string>();
      const isNew = (message: Message) => {
        const { question, ids } = bodyOf(message);
        if (question === undefined || ids === undefined) return true;
        const known = asked.has(question);
        asked.add(question);
        return !known;
      };
      return (batch) => publish(batch.filter(isNew));
    }),
  },
  {
    name: 'an answer gets lost, and is never given again',
    within: 60,
    profile: loser,
    parts: publishing((publish) => {
      const answered = new Set<string>();
      const isNew = (message: Message) => {
        const { question, missing } = bodyOf(message);
        if (question === undefined || missing === undefined) return true;
        const known = answered.has(question);
        answered.add(question);
        return !known;
      };
      return (batch) => publish(batch.filter(isNew));
    }),
  },
  {
    name: 'the answer to another question counts',
    within: 20,
    profile: loser,
    parts: storing((store) => {
      const last = new Map<string, object>();
      return {
        answer(group, question, answer) {
          last.set(group, answer);
          return store.answer(group, question, answer);
        },
        async answerTo(group, question) {
          return (await store.answerTo(group, question)) ?? last.get(group);
        },
      };
    }),
  },
  {
    name: 'verified without an answer',
    within: 5,
    profile: loser,
    parts: storing((store) => ({
      log(group) {
        const log = store.log(group);
        return but(log, {
          async page(limit, mark) {
            const page = await log.page(limit, mark);
            await log.commit();
            return page;
          },
        });
      },
    })),
  },
  {
    name: 'verified though something is missing',
    within: 5,
    profile: loser,
    parts: storing((store) => {
      const logs = new Map<string, ReturnType<AuditStore['log']>>();
      return {
        log(group) {
          const log = store.log(group);
          logs.set(group, log);
          return log;
        },
        async answerTo(group, question) {
          const answer = await store.answerTo(group, question);
          if (answer !== undefined) await logs.get(group)!.commit();
          return answer;
        },
      };
    }),
  },
  {
    name: 'nobody asks a service again that was restored',
    within: 100,
    parts: { again: () => Promise.resolve(true) },
  },
];

/** The shipped audit, with something else where it reaches for the rest of the process. */
function auditing(
  change: (options: DeliveryAuditOptions, place: Place) => Partial<DeliveryAuditOptions>,
): Bug['parts'] {
  const audit: Parts['audit'] = (options, place) => new DeliveryAudit({ ...options, ...change(options, place) });
  return { audit };
}

function publishing(change: (publish: Publish, place: Place) => Publish): Bug['parts'] {
  return auditing(({ transport }, place) => ({
    transport: but(transport, { publish: change((batch) => transport.publish(batch), place) }),
  }));
}

function storing(change: (store: AuditStore, place: Place) => Partial<AuditStore>): Bug['parts'] {
  return auditing(({ store }, place) => ({ store: but(store, change(store, place)) }));
}

interface AuditBody {
  question?: string;
  ids?: string[];
  missing?: string[];
  idle?: boolean;
}

function bodyOf({ topic, body }: Message): AuditBody {
  return /^audit(ed)?\./.test(topic) ? (JSON.parse(Buffer.from(body).toString()) as AuditBody) : {};
}

/** An answer with something else in it; other messages as they are. */
function changed(message: Message, change: AuditBody): Message {
  const body = bodyOf(message);
  return body.missing ? { ...message, body: Buffer.from(JSON.stringify({ ...body, ...change })) } : message;
}
