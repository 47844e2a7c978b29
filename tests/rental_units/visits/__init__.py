"""Rounds: who has agreed to be visited, and when somebody was there."""
