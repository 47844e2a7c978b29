"""Tests of the places and of the codes on their plates."""
