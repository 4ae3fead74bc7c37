-- The points to be counted, before they have a cell. {besides} is what they are counted by besides.
SELECT lon, lat{besides}
FROM incidents
WHERE {filter}
