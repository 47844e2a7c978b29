"""Alerts that reach a person: campaigns, channels, escalation, receipts, answers."""
