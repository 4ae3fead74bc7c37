-- What was counted, and what was not: outside every cell; in a cell but in no one period.
SELECT
    coalesce(sum(n) FILTER ("row" < 0), 0)::BIGINT AS outside,
    coalesce(sum(n) FILTER ("row" >= 0 AND period IS NULL AND $timed), 0)::BIGINT AS untimed
FROM counted
