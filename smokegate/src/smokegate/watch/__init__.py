"""After a deployment: verifying again and again, and telling what changes."""
