"""Everything that a CUDA GPU has to show, in one command of minutes: `python -m experiments gpu`.

Each part runs in a process of its own, so that an error or a lack of time in one ends no other, and leaves a line per
result in a file as soon as it has it.
"""
