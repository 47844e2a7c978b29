"""Tests of UHPPOTE boards, against a stand-in on the loopback address."""
