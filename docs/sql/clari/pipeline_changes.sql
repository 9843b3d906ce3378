-- How did the amounts of opportunities change, when, and by how much?
--
-- `opportunity_changes` has a row for each change of any field. A value that is no text has its type
-- beside it. The ids of fields are those of your Clari.
CREATE OR REPLACE VIEW clari_pipeline_changes AS
SELECT changes."opportunityId" AS opportunity_id,
       (SELECT field ->> 'value' FROM unnest(opportunities.fields) AS field
        WHERE field ->> 'id' = 'opportunity.name') AS opportunity,
       changes.date AS changed_at,
       changes."oldValue"::numeric AS amount_before,
       changes."newValue"::numeric AS amount_after,
       changes."newValue"::numeric - changes."oldValue"::numeric AS difference
FROM tap_clari.opportunity_changes AS changes
LEFT JOIN tap_clari.opportunities ON opportunities.id = changes."opportunityId"
WHERE changes."fieldId" = 'opportunity.amount'
  AND changes."oldValueType" = 'number' AND changes."newValueType" = 'number';
