"""A Home Assistant in a process of its own, to be killed."""
