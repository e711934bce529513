"""Decisions of a run, and what a run says and records: pure, without clock, randomness or I/O."""
