import { type Case, type MailType, mailTypes } from './case';
import { type Finding, type Invariant, ofEachCase } from './invariant';

export const mailInvariants: readonly Invariant[] = [
  ofEachCase('whoever gave an address was told how the order ended', ({ order, mails }) => {
    if (!order?.email || (order.status !== 'completed' && order.status !== 'cancelled')) return null;
    const state = mails?.[order.status];
    return state === 'sent' || state === 'refused' ? undefined : `has its last mail ${state ?? 'not even queued'}`;
  }),
  { name: 'each mail that was sent has arrived, and none that was not', check: checkLetters },
];

function checkLetters(cases: readonly Case[]): Finding {
  const letters = cases.flatMap((about) => about.letters);
  const copies = letters.reduce((sum, letter) => sum + letter.copies - 1, 0);
  return {
    count: letters.length,
    violations: cases.flatMap((about) => {
      const arrived = about.letters.map(({ message_id }) => typeOf(message_id));
      return mailTypes.flatMap((type) => {
        const count = arrived.filter((other) => other === type).length;
        const wanted = about.mails?.[type] === 'sent' ? 1 : 0;
        return count === wanted ? [] : [`${about.order_id} "${type}" arrived ${count} times instead of ${wanted}`];
      });
    }),
    // SMTP knows no repetition: a crash between the server's yes and our note of it sends the same mail again.
    ...(copies > 0 && { note: `${copies} arrived a second time under the same Message-ID, as can be after a crash` }),
  };
}

/** A Message-ID is `<order_id>.<type>@…`. */
function typeOf(messageId: string): MailType | undefined {
  return mailTypes.find((type) => messageId.includes(`.${type}@`));
}
