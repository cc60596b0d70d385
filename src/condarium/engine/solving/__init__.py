"""Solving, and what a solver must know: MatchSpecs, virtual packages, the records of channels."""
