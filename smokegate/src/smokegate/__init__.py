"""Verifies a deployment and says what to do."""
