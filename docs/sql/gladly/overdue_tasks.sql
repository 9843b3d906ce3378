-- Which tasks are overdue, for how long, and whose are they?
CREATE OR REPLACE VIEW gladly_overdue_tasks AS
SELECT tasks.id AS task_id,
       tasks.body,
       tasks."dueAt" AS due_at,
       extract(epoch FROM now() - tasks."dueAt") / 3600 AS hours_overdue,
       customers.current_id AS customer_id,
       customers.name AS customer,
       agents.name AS agent,
       inboxes.name AS inbox
FROM tap_gladly.tasks
LEFT JOIN gladly_customers AS customers ON customers.customer_id = tasks."customerId"
LEFT JOIN tap_gladly.agents ON agents.id = tasks.assignee ->> 'agentId'
LEFT JOIN tap_gladly.inboxes ON inboxes.id = tasks.assignee ->> 'inboxId'
WHERE tasks.status = 'OPEN'
  AND tasks."dueAt" < now()
  AND tasks._sdc_deleted_at IS NULL
  AND customers.deleted_at IS NULL;
