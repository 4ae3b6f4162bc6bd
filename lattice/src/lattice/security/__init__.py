"""Who calls, and what every request and reply must obey."""
