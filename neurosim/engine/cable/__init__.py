"""The engine of branched neurons: many cells that share a tree, solved together.

A cell is a tree of compartments. Its membrane is written in Brian2's equation language, one
`Kernel` a set of mechanisms; Brian2's code generation turns a kernel into the body of a loop over
compartments and cells (`source`), and a program of a few hundred lines around these loops solves
the tree (`runtime.cpp`). `oracle` does the same in plain NumPy, for tests and for machines without
a compiler.
"""
