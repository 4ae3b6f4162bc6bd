"""Tenants: what accounts belong to and everything is owned by."""
