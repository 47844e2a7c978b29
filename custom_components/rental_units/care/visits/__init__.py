"""Rounds: who has agreed to be visited, how often, and what was found at their door."""
