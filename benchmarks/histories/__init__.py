"""Real histories of other projects, applied from the first file to the last and compared with psql."""
