"""What `smokegate init` drafts: suites, settings and a pipeline for a project that has none."""
