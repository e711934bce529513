-- How fast the work was that the journal has seen. Read-only.

-- name: measured
-- Units a second (bytes of the table; of a backfill rows) of steps that one run carried out in one go, and that took half a second or more.
WITH done AS (
    SELECT planned.estimate ->> 'pace' AS pace,
        CASE WHEN planned.estimate ->> 'pace' = 'backfill' THEN b.rows_done
            ELSE (planned.estimate ->> 'bytes')::bigint END AS units,
        extract(epoch FROM s.finished_at - s.started_at)::float8 AS seconds
    FROM {journal}.migration AS m
    CROSS JOIN LATERAL json_array_elements(m.plan -> 'estimates') AS planned (estimate)
    JOIN {journal}.step AS s ON s.version = m.version AND s.id = planned.estimate ->> 'step'
    LEFT JOIN {journal}.backfill AS b ON b.version = s.version AND b.step = s.id
    WHERE m.live AND s.state = 'done'
        AND (SELECT count(*) FROM {journal}.attempt AS a WHERE a.version = s.version AND a.step = s.id) = 1
)
SELECT pace, count(*), percentile_cont(0.1) WITHIN GROUP (ORDER BY units / seconds),
    percentile_cont(0.9) WITHIN GROUP (ORDER BY units / seconds)
FROM done
WHERE seconds >= 0.5 AND units > 0
GROUP BY pace
ORDER BY pace
