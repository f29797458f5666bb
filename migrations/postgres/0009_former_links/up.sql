-- Records that linked to another record and no longer do: where to look for what a record was linked with at an earlier time.
CREATE TABLE former_links (
    target_id UUID NOT NULL,
    record_id UUID NOT NULL,
    PRIMARY KEY (target_id, record_id)
);
INSERT INTO former_links (target_id, record_id)
SELECT DISTINCT t.id, v.record_id
FROM (
    SELECT j.record_id, r.body, (regexp_matches(j.snapshot, '"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"', 'g'))[1] AS id
    FROM journal AS j
    JOIN records AS r ON r.id = j.record_id AND r.version > j.version
) AS v
JOIN records AS t ON t.id = v.id::UUID
WHERE position(v.id IN v.body) = 0;
