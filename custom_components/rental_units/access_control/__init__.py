"""Cards: who holds them, which doors they open, and what controllers have proven of them."""
