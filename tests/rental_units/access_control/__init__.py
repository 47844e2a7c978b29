"""Tests of cards, with the boards that hold them."""
