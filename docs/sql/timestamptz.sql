-- Makes each column of times a timestamptz: a time of UTC that a session shows in its own zone.
--
-- target-postgres makes `timestamp` columns, whose values are in UTC and do not say so: a session whose
-- zone is another takes them for times of its own, and now() is then hours off. The target goes on
-- loading into the changed columns. It makes new ones as before, so run this again when the tap has new
-- streams or columns. A table is written anew once, and locked until then. Run this before the views are
-- made: a column that a view reads cannot change its type.
DO $$
DECLARE
    changed record;
BEGIN
    FOR changed IN
        SELECT format('%I.%I', columns.table_schema, columns.table_name) AS name,
               string_agg(
                   format(
                       'ALTER COLUMN %1$I TYPE timestamptz USING %1$I AT TIME ZONE ''UTC''',
                       columns.column_name
                   ),
                   ', '
               ) AS alterations
        FROM information_schema.columns
        JOIN information_schema.tables USING (table_schema, table_name)
        WHERE columns.table_schema IN ('tap_clari', 'tap_gladly')
          AND columns.data_type = 'timestamp without time zone'
          AND tables.table_type = 'BASE TABLE'
        GROUP BY 1
    LOOP
        EXECUTE format('ALTER TABLE %s %s', changed.name, changed.alterations);
    END LOOP;
END
$$;
