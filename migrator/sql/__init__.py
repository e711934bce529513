"""Text to statements: splitting, tokens, our own grammar, and advisory reading of expressions. Pure, no I/O.

The promise kept here: a statement is understood token by token, or it is opaque. Nothing is regenerated from
a tree; what later layers use are exact slices of the user's file.
"""
