import { openServiceDatabase, orderTableContract } from '@order-events/testing';
import { DataSource } from 'typeorm';
import { database } from '../../test/database';
import { tables, type Mails } from '../domain';
import { entities, MailsEntity } from './entities';

const own = openServiceDatabase(database, tables, (url) => new DataSource({ type: 'postgres', url, entities }));

orderTableContract<Mails>(own, {
  table: tables.mails,
  full: {
    order_id: 'o1',
    version: 5,
    recipient: 'a@example.com',
    received: 'sent',
    confirmed: 'skipped',
    completed: null,
    cancelled: 'refused',
    refusals: { cancelled: '550 no such mailbox' },
  },
  entity: (order_id) => own.source.getRepository(MailsEntity).findOneByOrFail({ order_id }),
  refused: [
    ['an unknown state of a mail', { completed: 'lost' as never }],
    ['a refusal without a reason', { refusals: {} }],
    ['a reason not to take a mail that was taken', { cancelled: 'sent' }],
  ],
});
