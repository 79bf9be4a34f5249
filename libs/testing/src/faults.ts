import {
  StoreError,
  type InboxEntry,
  type LogReader,
  type Message,
  type Settlement,
  type Store,
  type Tx,
} from '@order-events/messaging';

/** A store that fails as a test tells it to. */
export class FaultyStore implements Store {
  /** The database does not answer. */
  away = false;
  /** Each is thrown once in place of a transaction. */
  readonly refusals: StoreError[] = [];
  /** So many of the next commits happen, but their answer is lost. */
  lostAnswers = 0;
  /** What the database says when an event of one of these keys is applied, such as that it breaks a constraint. */
  readonly culprits = new Map<string, StoreError>();
  /** Transactions that were begun. */
  begun = 0;

  constructor(private readonly store: Store) {}

  async transact<R>(work: (tx: Tx) => Promise<R>): Promise<R> {
    this.assertThere();
    this.begun++;
    const refusal = this.refusals.shift();
    if (refusal) throw refusal;
    const result = await this.store.transact((tx) => work(this.constrained(tx)));
    if (this.lostAnswers-- > 0) throw new StoreError('unavailable', 'the answer to the commit was lost');
    this.lostAnswers = 0;
    return result;
  }

  async dueRetries(...args: Parameters<Store['dueRetries']>): ReturnType<Store['dueRetries']> {
    this.assertThere();
    return this.store.dueRetries(...args);
  }

  async claimEffects(...args: Parameters<Store['claimEffects']>): ReturnType<Store['claimEffects']> {
    this.assertThere();
    return this.store.claimEffects(...args);
  }

  async outsideIsAway(): Promise<void> {
    this.assertThere();
    await this.store.outsideIsAway();
  }

  async probeOutside(...args: Parameters<Store['probeOutside']>): ReturnType<Store['probeOutside']> {
    this.assertThere();
    return this.store.probeOutside(...args);
  }

  async outsideIsBack(): Promise<void> {
    this.assertThere();
    await this.store.outsideIsBack();
  }

  async deferEffect(...args: Parameters<Store['deferEffect']>): Promise<void> {
    this.assertThere();
    await this.store.deferEffect(...args);
  }

  outbox(): LogReader {
    const reader = this.store.outbox();
    const { commit } = reader;
    reader.commit = async (refused) => {
      this.assertThere();
      await commit.call(reader, refused);
    };
    return reader;
  }

  async appendDue(...args: Parameters<Store['appendDue']>): ReturnType<Store['appendDue']> {
    this.assertThere();
    return this.store.appendDue(...args);
  }

  async outboxStatus(): ReturnType<Store['outboxStatus']> {
    this.assertThere();
    return this.store.outboxStatus();
  }

  wait(...args: Parameters<Store['wait']>): Promise<void> {
    return this.store.wait(...args);
  }

  async ping(): Promise<void> {
    this.assertThere();
    await this.store.ping();
  }

  close(): Promise<void> {
    return this.store.close();
  }

  private assertThere(): void {
    if (this.away) throw new StoreError('unavailable', 'the database is away');
  }

  private constrained(tx: Tx): Tx {
    const { take } = tx;
    tx.take = (group: string, entries: readonly InboxEntry[]) => {
      const culprit = entries.find(({ key, state }) => state === 'applied' && this.culprits.has(key));
      if (culprit) throw this.culprits.get(culprit.key)!;
      return take.call(tx, group, entries);
    };
    return tx;
  }
}

/** The publishing half of a broker, which answers as a test tells it to. */
export class FaultyBroker {
  /** What it has stored, in order, repeated ones too. */
  readonly stored: Message[] = [];
  /** Decides on each message that arrives. */
  settle: (message: Message) => Settlement = () => ({ stored: true });

  publish(batch: readonly Message[]): Promise<Settlement[]> {
    const settlements = batch.map((message) => this.settle(message));
    this.stored.push(...batch.filter((_, index) => settlements[index]!.stored));
    return Promise.resolve(settlements);
  }
}
