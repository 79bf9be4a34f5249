import { EntitySchema } from 'typeorm';
import type { Mails } from '../domain';

export const MailsEntity = new EntitySchema<Mails>({
  name: 'Mails',
  tableName: 'mails',
  columns: {
    order_id: { type: 'text', primary: true },
    version: { type: 'integer', default: 0 },
    refusals: { type: 'jsonb', default: {} },
    recipient: { type: 'text', nullable: true },
    received: { type: 'text', nullable: true },
    confirmed: { type: 'text', nullable: true },
    completed: { type: 'text', nullable: true },
    cancelled: { type: 'text', nullable: true },
  },
});

export const entities = [MailsEntity];
