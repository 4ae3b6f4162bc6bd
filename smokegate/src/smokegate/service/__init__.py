"""The service: what the history knows, for Prometheus and for people."""
