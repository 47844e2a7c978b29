"""Hikvision terminals: a stand-in on the loopback address, and everything that it may do to us."""
