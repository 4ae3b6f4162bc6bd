"""Subscriptions: which plan a tenant is on, by its own choice."""
