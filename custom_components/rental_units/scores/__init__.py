"""Scores of property management: criteria, monthly sheets, rankings. No person is in them."""
