"""An application beside a run: readers and writers, what they felt, and who waited for whom on the server."""
