"""Counts to linear camera planes, in pure numpy."""
