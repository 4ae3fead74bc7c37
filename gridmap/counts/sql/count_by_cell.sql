-- Every cell x period x kind once, in the grid's order, the empty ones too: the condition stands in the ON.
SELECT coalesce(counted.n, 0) AS "count"
FROM range($cells) AS cells(cell)
CROSS JOIN periods
CROSS JOIN kinds
LEFT JOIN counted
    ON counted."row" = cells.cell
    AND counted.period IS NOT DISTINCT FROM periods.period
    AND counted.kind IS NOT DISTINCT FROM kinds.kind
ORDER BY cells.cell, periods.position, kinds.position
