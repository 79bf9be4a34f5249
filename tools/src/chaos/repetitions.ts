import type { System } from '../start';
import { openDatabases } from '../verify';

/** What came more than once and did no harm. */
export interface Repetitions {
  /** Deliveries that an inbox held already; of each process since its last start. */
  duplicates: number;
  /** Events that a delivery audit has published again. */
  resends: number;
  /** Mails that arrived a second time under their Message-ID. */
  mails: number;
}

export async function repetitions(system: System): Promise<Repetitions> {
  const { ask, close } = await openDatabases(system.databaseUrls);
  try {
    const databases = new Set(system.instances.map(({ service }) => service.database));
    databases.delete('sandbox');
    const sums = [...databases].map((name) =>
      ask<{ resent: number }>(name, 'SELECT coalesce(sum(resent), 0)::int AS resent FROM audits'),
    );
    const resends = (await Promise.all(sums)).flat().reduce((sum, { resent }) => sum + resent, 0);
    const [again] = await ask<{ mails: number }>(
      'sandbox',
      'SELECT coalesce(sum(copies - 1), 0)::int AS mails FROM mails WHERE copies > 0',
    );
    return { duplicates: await duplicatesOf(system), resends, mails: again?.mails ?? 0 };
  } finally {
    await close();
  }
}

async function duplicatesOf(system: System): Promise<number> {
  const counts = system.operatorUrls.map(async (url) => {
    const figures = await (await fetch(`${url}/metrics`)).text();
    const found = figures.matchAll(/^order_events_handled_total\{[^}]*outcome="duplicate"[^}]*\} (\d+)$/gm);
    return [...found].reduce((sum, [, count]) => sum + Number(count), 0);
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}
