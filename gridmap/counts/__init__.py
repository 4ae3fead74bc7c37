"""DuckDB: where points meet cells."""
