"""Webhooks: what happens to a tenant, told to its own receivers, signed."""
