-- The points to be counted, before they have a cell. {place} says where they lie, {besides} is what they are counted by besides.
SELECT {place}{besides}
FROM incidents
WHERE {filter}
