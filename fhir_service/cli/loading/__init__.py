"""Loading resources straight into the store, without HTTP: many processes prepare them, one writes them.

`sources` finds them, `preparing` reads, checks and indexes them, `writing` keeps referential integrity and stores them,
`summary` tells what became of all.
"""
