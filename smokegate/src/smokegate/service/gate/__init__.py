"""The gate: runs that others ask for over HTTP, and what each of them is told."""
