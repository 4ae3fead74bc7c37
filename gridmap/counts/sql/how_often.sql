-- Each weight and how many incidents have it; of too many different weights, the means of classes of like size.
WITH each AS (
    SELECT round({weight}, 6) AS weight, count(*) AS n
    FROM incidents
    WHERE {filter} AND {weight} IS NOT NULL
    GROUP BY 1
),
ranked AS (
    SELECT weight, n, count(*) OVER () AS different, ntile({classes}) OVER (ORDER BY weight) AS class
    FROM each
)
SELECT sum(weight * n) / sum(n) AS weight, sum(n)::BIGINT AS n
FROM ranked
GROUP BY CASE WHEN different > {classes} THEN class END, CASE WHEN different <= {classes} THEN weight END
ORDER BY weight
