"""The demonstration: a shop under traffic, migrated by `migrate apply` and then naively, side by side.

`demonstration` tells the story and returns what was measured; `traffic` is the application, in a process of
its own so that nothing here disturbs what is measured there. Needs the extra `embedded`. Only `cli.demo`
imports this package.
"""
