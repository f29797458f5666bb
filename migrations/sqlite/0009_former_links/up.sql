-- Records that linked to another record and no longer do: where to look for what a record was linked with at an earlier time.
CREATE TABLE former_links (
    target_id BLOB NOT NULL,
    record_id BLOB NOT NULL,
    PRIMARY KEY (target_id, record_id)
);
INSERT INTO former_links (target_id, record_id)
SELECT DISTINCT t.id, j.record_id
FROM journal AS j
JOIN records AS r ON r.id = j.record_id AND r.version > j.version
JOIN json_tree(j.snapshot) AS v ON v.type = 'text' AND length(v.value) = 36
JOIN records AS t ON t.id = unhex(replace(v.value, '-', ''))
WHERE instr(r.body, v.value) = 0;
