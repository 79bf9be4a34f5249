import { answersFor, AUDIT_SCHEMA, AuditAnswer, AuditQuestion, questionsFor } from '@order-events/contracts';
import { decode, toBinary } from '../cloud-events';
import { asDelivered } from '../codecs/over-long';
import type { Message } from '../ports/transport';

/** @param id of this copy of the question. */
export function questionMessage(question: AuditQuestion, id: string): Message {
  const { publisher, group } = question;
  return message(questionsFor(group), id, `/${publisher}`, question);
}

export function answerMessage(answer: AuditAnswer, publisher: string, id: string): Message {
  return message(answersFor(publisher), id, `/${answer.group}`, answer);
}

/** @throws if it is not one. */
export function readQuestion(received: Message): AuditQuestion {
  return AuditQuestion.parse(dataOf(received));
}

/** @throws if it is not one. */
export function readAnswer(received: Message): AuditAnswer {
  return AuditAnswer.parse(dataOf(received));
}

function message(topic: string, id: string, source: string, data: AuditQuestion | AuditAnswer): Message {
  return toBinary(topic, id, { id, source, type: topic, subject: data.group, dataschema: AUDIT_SCHEMA }, data);
}

function dataOf(received: Message): unknown {
  const decoded = decode(asDelivered(received));
  if (!decoded.ok) throw new Error(decoded.detail);
  const schema = decoded.event.attributes['dataschema'];
  if (schema !== AUDIT_SCHEMA) throw new Error(`the schema is ${schema}`);
  return decoded.event.data;
}
