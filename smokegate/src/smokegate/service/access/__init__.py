"""Who may look and who may write."""
