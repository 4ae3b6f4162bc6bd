"""Accounts: registering, logging in and out, and leaving."""
