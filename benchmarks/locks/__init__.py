"""What an application feels while an ALTER TABLE waits for its lock: four ways side by side."""
