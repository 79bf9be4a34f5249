import type { Database } from './database';

/** Who did something to a service by hand, and why. */
export interface ByHand {
  actor: string;
  reason: string;
}

const ofDeadLetters = ['redrive', 'discard'] as const;
const others = ['pause', 'resume', 'audit', 'stock', 'product', 'refund', 'replay'] as const;
/** All that can be done to a service by hand. */
export const OPERATOR_ACTIONS = [...ofDeadLetters, ...others] as const;

/** What is not done to dead letters. */
export type RecordedAction = (typeof others)[number];

export interface OperatorAction extends ByHand {
  at: Date;
  action: (typeof OPERATOR_ACTIONS)[number];
  /** Of an audit the group that is asked again; else the service's own, or `relay`. */
  consumer_group: string;
  /** Of the dead letter that it was done to. */
  event_id: string | null;
  /** What was asked for, beyond the action itself. */
  details: object | null;
}

export interface OperatorActionFilter {
  actor?: string;
  action?: OperatorAction['action'];
  /** Of the dead letter that it was done to. */
  event_id?: string;
}

const sql = {
  list: {
    name: 'operator_actions_list',
    text: `SELECT at, actor, action, reason, consumer_group, event_id, details FROM operator_actions
           WHERE ($1::text IS NULL OR actor = $1) AND ($2::text IS NULL OR action = $2)
             AND ($3::uuid IS NULL OR event_id = $3)
           ORDER BY seq DESC LIMIT $4`,
  },
  paused: {
    name: 'operator_actions_paused',
    text: `SELECT at, actor, reason FROM (
             SELECT * FROM operator_actions WHERE consumer_group = $1 AND action IN ('pause', 'resume')
             ORDER BY seq DESC LIMIT 1) last
           WHERE action = 'pause'`,
  },
};

/** What puts an action on record, for the transaction in which it is done. */
export function recording(
  action: RecordedAction,
  group: string,
  { actor, reason }: ByHand,
  details?: object,
): [text: string, values: unknown[]] {
  return [
    'INSERT INTO operator_actions (actor, action, reason, consumer_group, details) VALUES ($1, $2, $3, $4, $5)',
    [actor, action, reason, group, details ? JSON.stringify(details) : null],
  ];
}

/** What operators did to a service; a pause holds until the record says that it was ended. */
export class OperatorActions {
  constructor(private readonly database: Database) {}

  /** The newest first. */
  list({ actor, action, event_id }: OperatorActionFilter, limit: number): Promise<OperatorAction[]> {
    const values = [actor ?? null, action ?? null, event_id ?? null, limit];
    return this.database.query<OperatorAction>(sql.list, values);
  }

  /** A pause and its end are done by being on record: every process of the group looks there. */
  async record(action: RecordedAction, group: string, by: ByHand, details?: object): Promise<void> {
    await this.database.query(...recording(action, group, by, details));
  }

  /** Since when, by whom and why the group does not consume; undefined while it does. */
  async pause(group: string): Promise<(ByHand & { at: Date }) | undefined> {
    const [row] = await this.database.query<ByHand & { at: Date }>(sql.paused, [group]);
    return row;
  }
}
