"""The vocabulary of a plan: pure data that is shown, saved and executed as one and the same object."""
