"""The audit: proves that suites can fail, by breaking what a target answered in a recording."""
