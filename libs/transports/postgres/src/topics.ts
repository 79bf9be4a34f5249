import type { Database } from '@order-events/store';
import { sql } from './sql';

/** Which topics were declared. One that was, stays so: it is asked for once. */
export class Topics {
  private readonly declared = new Set<string>();

  constructor(private readonly database: Database) {}

  /** Those of them that were declared. */
  async known(topics: Iterable<string>): Promise<ReadonlySet<string>> {
    const unknown = [...new Set(topics)].filter((topic) => !this.declared.has(topic));
    if (unknown.length > 0) {
      const rows = await this.database.query<{ topic: string }>(sql.declaredTopics, [unknown]);
      for (const { topic } of rows) this.declared.add(topic);
    }
    return this.declared;
  }
}
