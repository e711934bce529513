"""Plans and runs PostgreSQL migrations on a busy database without stopping the application.

The version stands here and nowhere else; importing this package imports nothing more, so that
`migrate --version` is quick.
"""

__version__ = "0.1.0"
