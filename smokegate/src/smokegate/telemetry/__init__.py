"""What a run tells systems that watch others: gauges for Prometheus, metrics and spans by OTLP."""
