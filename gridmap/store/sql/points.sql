-- The points to be counted, before they have a cell. {period} and {kind} are what they are counted by besides.
SELECT lon, lat, {period} AS period, {kind} AS kind
FROM incidents
WHERE {filter}
