"""Everything that talks to PostgreSQL on behalf of a run; psycopg is imported here."""
