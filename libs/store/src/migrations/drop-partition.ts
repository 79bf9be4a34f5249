/**
 * How long a partition may be waited for. Whoever comes meanwhile waits behind it, so this is also the longest that
 * writers and readers are held up by one that cannot be had now.
 */
const PATIENCE = '100ms';

/** Making a partition takes the same lock as dropping one. */
export const makePartitionsWithPatience = `ALTER FUNCTION make_partitions(integer) SET lock_timeout = '${PATIENCE}'`;

/** A table by days, and when one of them may go. */
interface Droppable {
  table: 'outbox' | 'log' | 'inbox';
  /** Of the function. */
  parameters: string;
  /** Whether the partition of `day` is old enough. */
  isOld: string;
  /** A query for what keeps the partition %1$I all the same, as a text for people; null: nothing. */
  keptFor: string;
}

/**
 * Makes a function that drops the oldest partition that is not needed any more, and tells of it, and of each one that is
 * old enough and was kept, with the reason. One a call, so that each is locked for as short a time as can be. It is
 * SECURITY DEFINER, because the login role owns no table and must be able to keep the database from growing. DETACH
 * CONCURRENTLY would need the owner's own session, and no default partition (decision 13).
 */
function createDropFunction({ table, parameters, isOld, keptFor }: Droppable): string {
  return `
    CREATE FUNCTION drop_${table}_partition(${parameters}) RETURNS TABLE (name text, kept_for text)
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '${PATIENCE}' AS $function$
    BEGIN
      -- Another process of the service is at it.
      IF NOT pg_try_advisory_xact_lock(hashtext('drop_${table}_partition')) THEN RETURN; END IF;
      FOR name IN
        SELECT relname FROM (
          SELECT c.relname, to_date(right(c.relname, 8), 'YYYYMMDD') AS day
          FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
          WHERE i.inhparent = '${table}'::regclass AND c.relname ~ '^${table}_[0-9]{8}$') p
        WHERE ${isOld} ORDER BY day
      LOOP
        -- Looked at before the lock, so that nobody waits for what is kept, and again when nobody can write any more.
        EXECUTE format($query$${keptFor}$query$, name) INTO kept_for;
        IF kept_for IS NULL THEN
          LOCK TABLE ONLY ${table} IN ACCESS EXCLUSIVE MODE;
          EXECUTE format($query$${keptFor}$query$, name) INTO kept_for;
        END IF;
        IF kept_for IS NULL THEN EXECUTE format('DROP TABLE %I', name); END IF;
        RETURN NEXT;
        EXIT WHEN kept_for IS NULL;
      END LOOP;
    END $function$`;
}

/**
 * A log's partition goes when its day has been over for `keep_days` and every reader is past it. An audit's place stands
 * where all before it is verified. An open window counts as unread, and everything does while the place is that of
 * another cluster. Rows up to the floor are read by position, those above it by transaction.
 */
export function createDropLogPartition(log: 'outbox' | 'log'): string {
  const unread = (how: string) => `EXISTS (SELECT FROM ONLY %1$I l WHERE l.partition = c.partition AND ${how})`;
  return createDropFunction({
    table: log,
    parameters: 'keep_days integer',
    isOld: `day + 1 + keep_days <= (clock_timestamp() AT TIME ZONE 'UTC')`,
    keptFor: `
      SELECT string_agg(DISTINCT c.reader, ', ') FROM log_cursor c
      WHERE c.log = '${log}' AND (
        c.system_identifier <> (pg_control_system()).system_identifier
        OR ${unread('l.xid >= pg_snapshot_xmax(c.last) AND l.position > c.floor')}
        OR ${unread('l.xid = ANY (ARRAY(SELECT pg_snapshot_xip(c.last))) AND l.position > c.floor')}
        OR ${unread('l.position > c.position AND l.position <= c.floor')})`,
  });
}

/** The inbox's goes when all its ids are below the horizon, and nothing in it is still to be tried or decided about. */
export function createDropInboxPartition(): string {
  return createDropFunction({
    table: 'inbox',
    parameters: '',
    isOld: 'first_uuid_of(day + 1) <= (SELECT before FROM inbox_horizon)',
    keptFor: `
      SELECT string_agg(DISTINCT i.state, ', ') FROM ONLY %1$I i JOIN failures f USING (consumer_group, id)
      WHERE i.state IN ('retrying', 'dead', 'discarded')`,
  });
}
