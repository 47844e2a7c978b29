"""What needs no login: signed links, how often they may be tried, and the pages behind them.

It knows nothing of alerts or of people: whoever has something to show takes it from here.
"""
