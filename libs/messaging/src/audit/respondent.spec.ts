import type { AuditAnswer, AuditQuestion } from '@order-events/contracts';
import { VirtualRuntime } from '@order-events/testing';
import { toStructured } from '../cloud-events';
import type { Message } from '../ports/transport';
import { questionMessage, readAnswer } from './messages';
import { Respondent } from './respondent';

const runtime = new VirtualRuntime();
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
async function answered(missing: string[][], backlogs: number[], asked = questionMessage(question, runtime.eventId())) {
  const published: Message[] = [];
  const respondent = new Respondent({
    runtime,
    store: { holding: () => Promise.resolve({ missing: missing.shift()!, newest }) },
    transport: {
      backlog: () => Promise.resolve(backlogs.shift()!),
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

test('a question is understood in structured mode, too', async () => {
  expect(await answered([[]], [], toStructured(questionMessage(question, runtime.eventId())))).toEqual(answer({}));
});

test('stopped while it waits, it leaves the question unanswered', async () => {
  const publish = jest.fn();
  const respondent = new Respondent({
    runtime,
    store: { holding: () => Promise.resolve({ missing: [lost!], newest: undefined }) },
    transport: { backlog: () => Promise.resolve(1), publish },
  });
  await respondent.answer(questionMessage(question, runtime.eventId()), AbortSignal.abort());
  expect(publish).not.toHaveBeenCalled();
});
