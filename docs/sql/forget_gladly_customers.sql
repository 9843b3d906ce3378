-- Removes from all tables what is about customers who were deleted in Gladly, or merged into such.
--
-- The tap marks a deleted customer in `customer_profiles` (`_sdc_deleted_at`), and targets leave what
-- other tables have of the customer. This removes it: run it after each load, if you must. What stays is
-- the row with the id and the mark. A target that deletes marked rows, as PipelineWise's with
-- `hard_delete`, deletes that row too, and nothing is left to know the others by: do not set it then.
DO $$
DECLARE
    place record;
BEGIN
    CREATE TEMP TABLE forgotten ON COMMIT DROP AS
    WITH RECURSIVE gone AS (
        SELECT id FROM tap_gladly.customer_profiles WHERE _sdc_deleted_at IS NOT NULL
        UNION
        SELECT merged.id
        FROM tap_gladly.customer_profiles AS merged
        JOIN gone ON gone.id = merged."mergedIntoId"
    )
    SELECT id FROM gone;
    -- Comments, and some reports of tasks, have the id of the task only.
    CREATE TEMP TABLE forgotten_tasks (id text) ON COMMIT DROP;
    FOR place IN
        SELECT names.name, names.customer, names.task
        FROM (VALUES
            ('tasks', '"customerId"', 'id'),
            ('customer_tasks', '"customerId"', 'id'),
            ('report_task_export', 'customer_id', 'task_id'),
            ('report_task_timestamps', 'customer_id', 'task_id'),
            ('events', 'content ->> ''customerId''', 'content ->> ''taskId''')
        ) AS names (name, customer, task)
        WHERE to_regclass(format('tap_gladly.%I', names.name)) IS NOT NULL
          -- Not every account's report has it.
          AND (names.customer <> 'customer_id' OR EXISTS (
              SELECT FROM information_schema.columns
              WHERE table_schema = 'tap_gladly' AND table_name = names.name
                AND column_name = 'customer_id'
          ))
    LOOP
        EXECUTE format(
            'INSERT INTO forgotten_tasks SELECT DISTINCT %s FROM tap_gladly.%I '
            'WHERE %s IN (SELECT id FROM forgotten) AND %1$s IS NOT NULL',
            place.task, place.name, place.customer
        );
    END LOOP;
    IF to_regclass('tap_gladly.tasks') IS NOT NULL THEN
        -- A task goes with its customer only.
        INSERT INTO forgotten_tasks
        SELECT id FROM tap_gladly.tasks WHERE _sdc_deleted_at IS NOT NULL;
    END IF;
    -- Whatever names a customer or a task in a column of its own, but for the marks themselves.
    FOR place IN
        SELECT columns.table_name AS name, columns.column_name AS named,
               CASE WHEN columns.column_name IN ('taskId', 'task_id')
                    THEN 'forgotten_tasks' ELSE 'forgotten' END AS whom
        FROM information_schema.columns
        JOIN information_schema.tables USING (table_schema, table_name)
        WHERE columns.table_schema = 'tap_gladly'
          AND tables.table_type = 'BASE TABLE'
          AND (columns.column_name IN
                   ('customerId', 'customer_id', 'merged_customer_id', 'taskId', 'task_id')
               OR (columns.table_name, columns.column_name) = ('export_customers', 'id'))
    LOOP
        EXECUTE format(
            'DELETE FROM tap_gladly.%I WHERE %I IN (SELECT id FROM %I)',
            place.name, place.named, place.whom
        );
    END LOOP;
    IF to_regclass('tap_gladly.events') IS NOT NULL THEN
        DELETE FROM tap_gladly.events
        WHERE content ->> 'customerId' IN (SELECT id FROM forgotten)
           OR content ->> 'sourceCustomerId' IN (SELECT id FROM forgotten)
           OR content ->> 'destinationCustomerId' IN (SELECT id FROM forgotten);
    END IF;
END
$$;
