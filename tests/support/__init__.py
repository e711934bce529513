"""The support table of the documentation: statements of every kind, and what the planner makes of each."""
