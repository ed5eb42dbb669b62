"""Alerts with patience: when somebody has sat badly for long, a nudge."""
