"""What PostgreSQL is: names, lock modes, versions, facts of one database. Pure knowledge, no I/O."""
