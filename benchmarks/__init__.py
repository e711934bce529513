"""What is measured, and what is tried on real histories: each is run by `python -m benchmarks.NAME`."""
