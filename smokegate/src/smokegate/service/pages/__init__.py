"""The pages, made on the server: they load their style sheet and nothing else, and run nothing."""
