import type { AuditAnswer, AuditQuestion } from '@order-events/contracts';
import { VirtualRuntime } from '@order-events/testing';
import { Notes } from '../../test/counting';
import { toStructured } from '../../test/structured';
import type { Message } from '../ports/transport';
import { questionMessage, readAnswer } from './messages';
import { Respondent } from './respondent';

const runtime = new VirtualRuntime();
let notes: Notes;
beforeEach(() => {
  notes = new Notes();
});
const [lost, late, newest] = ['0193b5c0-0001', '0193b5c0-0002', '0193b5c0-0003'].map(
  (time) => `${time}-7000-8000-000000000000`,
);
const question: AuditQuestion = {
  question: runtime.eventId(),
  publisher: 'order-api',
  group: 'email',
  topics: ['order.created'],
  ids: [lost!, late!],
};
const signal = new AbortController().signal;

/** Answers the question with what these say, one look after the other. */
async function answered(
  missing: string[][],
  backlogs: (number | Error)[],
  asked = questionMessage(question, runtime.eventId()),
) {
  const published: Message[] = [];
  const respondent = new Respondent({
    runtime,
    observer: notes,
    store: { holding: () => Promise.resolve({ missing: missing.shift()!, unapplied: [], newest }) },
    transport: {
      backlog: async () => {
        const backlog = backlogs.shift()!;
        if (backlog instanceof Error) throw backlog;
        return backlog;
      },
      publish: (batch) => Promise.resolve(batch.map((message) => (published.push(message), { stored: true }))),
    },
  });
  await respondent.answer(asked, signal);
  expect(published.map(({ topic }) => topic)).toEqual(['audited.order-api']);
  expect([missing, backlogs]).toEqual([[], []]);
  return readAnswer(published[0]!);
}
const answer = (more: Partial<AuditAnswer>): AuditAnswer => ({
  question: question.question,
  group: 'email',
  missing: [],
  newest: new Date(0x0193b5c00003).toISOString(),
  idle: false,
  ...more,
});

test('a group that holds all says so at once', async () => {
  expect(await answered([[]], [])).toEqual(answer({}));
});

test('one that lacks something waits for the question itself to be out of hand, and then looks again', async () => {
  expect(await answered([[lost!, late!], [lost!]], [2, 1, 0])).toEqual(answer({ missing: [lost!], idle: true }));
});

test('one that never comes to rest says how far it is', async () => {
  const backlogs = [9, 8, 7, 8, 9];
  expect(await answered([[lost!], [lost!]], backlogs)).toEqual(answer({ missing: [lost!] }));
});

test('one whose broker does not say what waits says how far it is, and tells of it', async () => {
  const backlogs = [3, new Error('one of two brokers is away')];
  expect(await answered([[lost!, late!], [lost!]], backlogs)).toEqual(answer({ missing: [lost!] }));
  expect(notes.errors).toEqual(['audit backlog: one of two brokers is away']);
});

test('a question is understood in structured mode, too', async () => {
  expect(await answered([[]], [], toStructured(questionMessage(question, runtime.eventId())))).toEqual(answer({}));
});

test('stopped while it waits, it leaves the question unanswered', async () => {
  const publish = jest.fn();
  const respondent = new Respondent({
    runtime,
    observer: notes,
    store: { holding: () => Promise.resolve({ missing: [lost!], unapplied: [], newest: undefined }) },
    transport: { backlog: () => Promise.resolve(1), publish },
  });
  await respondent.answer(questionMessage(question, runtime.eventId()), AbortSignal.abort());
  expect(publish).not.toHaveBeenCalled();
});
