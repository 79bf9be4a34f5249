import type { Table, Tables } from '@order-events/messaging';
import type { MailType } from './mail';

/**
 * What became of one mail. null: there was no reason for it yet. `skipped`: it will not be sent, for want of a recipient
 * or because later news has overtaken it. `refused`: the server will not take it.
 */
export type MailState = null | 'queued' | 'sent' | 'skipped' | 'refused';

/** The mails of an order, a column for each that there can be. */
export type Mails = {
  order_id: string;
  version: number;
  recipient: string | null;
  /** Why the server refused a mail, of those that it refused. */
  refusals: Partial<Record<MailType, string>>;
} & Record<MailType, MailState>;

export function blankMails(order_id: string): Mails {
  return {
    order_id,
    version: 0,
    recipient: null,
    received: null,
    confirmed: null,
    completed: null,
    cancelled: null,
    refusals: {},
  };
}

const mails: Table<Mails> = {
  name: 'mails',
  key: 'order_id',
  columns: {
    order_id: 'text',
    version: 'integer',
    recipient: 'text',
    received: 'text',
    confirmed: 'text',
    completed: 'text',
    cancelled: 'text',
    refusals: 'json',
  },
  rows: 'made',
  blank: blankMails,
};

export const tables = { mails } satisfies Tables;
export type EmailTables = typeof tables;
