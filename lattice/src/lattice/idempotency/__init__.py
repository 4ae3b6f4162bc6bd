"""Idempotency keys: what is asked for again with the same key is made once."""
