"""One verification from several places: workers run the suites, and their runs become one."""

# The words of a quorum; otherwise it is a number.
ALL, MAJORITY = "all", "majority"
