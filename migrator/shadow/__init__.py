"""Scratch databases: what is needed to try a plan on one before it reaches another."""
