"""Running models: everything that knows Brian2's code generation lives here.

`point` runs point neurons as one Brian2 run, `cable` neurons with extent; what both need (the
compiler, the cache of programs, processes) stands beside them.
"""
