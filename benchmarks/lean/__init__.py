"""Lean participants: raw sockets, packets built beforehand; what comes in is counted and discarded.

A hundred of them take a fraction of a core, so that the room is what is measured.
"""
