"""Many targets verified by one process: one table, one report, one exit code."""
