import { Router } from 'express';
import { Problem } from '@order-events/service-kit';
import type { Database } from '@order-events/store';
import { readOrderId } from '../http/input';

export interface ReceivedMail {
  message_id: string;
  /** Of the order that the mail is about; null when its Message-ID names none. */
  order_id: string | null;
  recipient: string;
  subject: string;
  text: string | null;
  html: string | null;
}

const store = {
  name: 'mail_store',
  text: `INSERT INTO mails (message_id, order_id, recipient, subject, text, html, copies)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (message_id) DO UPDATE SET copies = mails.copies + 1
         RETURNING copies`,
};

/**
 * Stores a mail, or counts one more copy of it if its Message-ID came before.
 *
 * @param notYet the first copy is only noted, because its sender is told to come again later
 * @returns the copies that were accepted so far
 */
export async function storeMail(database: Database, mail: ReceivedMail, notYet: boolean): Promise<number> {
  const { message_id, order_id, recipient, subject, text, html } = mail;
  const values = [message_id, order_id, recipient, subject, text, html, notYet ? 0 : 1];
  const [stored] = await database.query<{ copies: number }>(store, values);
  if (!stored) throw new Error('An INSERT with RETURNING returned no row.');
  return stored.copies;
}

const columns = 'mail_id AS id, message_id, order_id, recipient AS "to", subject, text, html, received_at, copies';

/** Reading back what was received. */
export function mails(database: Database): Router {
  const router = Router();

  router.get('/', async (request, response) => {
    const found = await database.query(
      `SELECT ${columns} FROM mails WHERE order_id = $1 AND copies > 0 ORDER BY mail_id`,
      [readOrderId(request)],
    );
    response.json({ mails: found });
  });

  router.get('/:id', async (request, response) => {
    const { id } = request.params;
    // Anything but digits is the id of no mail, and nothing to ask the database.
    const [found] = /^\d{1,15}$/.test(id)
      ? await database.query(`SELECT ${columns} FROM mails WHERE mail_id = $1 AND copies > 0`, [id])
      : [];
    if (!found) throw new Problem(404, { kind: 'unknown-mail', detail: `There is no mail ${id}.` });
    response.json(found);
  });

  return router;
}
