/**
 * A log: rows are written once and never updated or deleted. Readers keep their place in `log_cursor` as snapshots, so
 * `xid` says for each row which transaction made it visible, and `position` in which order it was written.
 */
export function createLogTable(name: 'outbox' | 'log'): string[] {
  return [
    `CREATE TABLE ${name} (
      position bigint GENERATED ALWAYS AS IDENTITY (CACHE 1),
      partition smallint NOT NULL DEFAULT 0,
      xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
      id uuid NOT NULL,
      topic text NOT NULL,
      key text NOT NULL,
      headers json NOT NULL,
      body bytea NOT NULL,
      created_at timestamptz NOT NULL DEFAULT clock_timestamp()
    ) PARTITION BY RANGE (created_at)`,
    `CREATE TABLE ${name}_default PARTITION OF ${name} DEFAULT`,
    `CREATE INDEX ${name}_position ON ${name} (partition, position)`,
    `CREATE INDEX ${name}_window ON ${name} (partition, xid, position)`,
    `CREATE TABLE log_cursor (
      log text NOT NULL,
      reader text NOT NULL,
      partition smallint NOT NULL,
      -- What the reader wants of the log; null: all of it.
      topics text[],
      -- Everything visible in "last" has been read, and of what is visible in "win" all up to "position".
      last pg_snapshot NOT NULL DEFAULT '1:1:',
      win pg_snapshot,
      position bigint NOT NULL DEFAULT 0,
      -- Rows up to here came with a restore from another cluster, whose snapshots mean nothing in this one.
      floor bigint NOT NULL DEFAULT 0,
      verified bigint NOT NULL DEFAULT 0,
      system_identifier bigint NOT NULL DEFAULT (pg_control_system()).system_identifier,
      owner text,
      owner_backend integer,
      owner_backend_start timestamptz,
      epoch bigint NOT NULL DEFAULT 0,
      until timestamptz,
      PRIMARY KEY (log, reader, partition)
    )`,
  ];
}

/**
 * Makes the partitions of today and the days ahead. SECURITY DEFINER, because the login role may not create tables but
 * must be able to go on making partitions while the service runs. Rows of a day that was missed stay in the default one.
 */
export function createPartitionFunction(logs: readonly string[], also: { inbox: boolean }): string {
  const perDay = [
    ...logs.map(
      (log) => `
      PERFORM make_partition('${log}', to_char(day, 'YYYYMMDD'), quote_literal(day || ' 00:00+00'), quote_literal((day + 1) || ' 00:00+00'));`,
    ),
    ...(also.inbox
      ? [
          `
      PERFORM make_partition('inbox', to_char(day, 'YYYYMMDD'), quote_literal(first_uuid_of(day)), quote_literal(first_uuid_of(day + 1)));`,
        ]
      : []),
  ];
  return `
    CREATE FUNCTION first_uuid_of(day date) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$
      -- A UUIDv7 begins with the milliseconds since 1970 in 48 bits.
      SELECT (lpad(to_hex((extract(epoch FROM day::timestamp) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
    $$;
    CREATE FUNCTION make_partition(parent text, suffix text, low text, high text) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
      IF to_regclass(format('%I', parent || '_' || suffix)) IS NULL THEN
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%s) TO (%s)', parent || '_' || suffix, parent, low, high);
      END IF;
    EXCEPTION WHEN check_violation THEN
      RAISE NOTICE 'rows of % are in the default partition of % already', suffix, parent;
    END $$;
    CREATE FUNCTION make_partitions(days_ahead integer) RETURNS void
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    DECLARE day date;
    BEGIN
      PERFORM pg_advisory_xact_lock(hashtext('make_partitions'));
      FOR i IN 0..days_ahead LOOP
        day := (clock_timestamp() AT TIME ZONE 'UTC')::date + i;${perDay.join('')}
      END LOOP;
    END $$;`;
}

/**
 * SECURITY DEFINER, because the login role may not touch the sequence. Positions only ever rise: callers go one after the
 * other, and keep everybody else from drawing one meanwhile.
 */
export const createRaisePositions = `
  CREATE FUNCTION raise_positions(log text, highest bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
  DECLARE positions regclass := pg_get_serial_sequence(log, 'position');
  BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('raise_positions'));
    PERFORM setval(positions, highest) WHERE coalesce(pg_sequence_last_value(positions), 0) < highest;
  END $$`;
