"""Which hotspots are new, which persist, which fade?

A space-time cube: Gi* for every cell and period, a Mann–Kendall trend over each cell's z-scores, and one of 17 words
(8 hot, 8 cold, none) per cell. Both published definitions of the words are kept: "esri-3" and "esri-2.8".

Source: Getis & Ord 1992; Mann 1945; Kendall & Gibbons 1990; ArcGIS "How Emerging Hot Spot Analysis works".
"""
