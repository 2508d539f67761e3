SELECT * FROM sensors AS OF '2026-11-02T14:00Z' s, twins WHERE 'AS OF' <> "x" -- AS OF 'y'
 AS OF '-1h'