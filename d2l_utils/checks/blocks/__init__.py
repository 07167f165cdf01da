"""The engine that judges an attempt at a block of a network by what it computes.

``graph`` writes a block as an expression, ``evaluate`` predicts what an expression gives, ``rules``
holds the known mistakes, ``explain`` finds the mistake that predicts what was observed, ``attempt``
observes, and ``requirements`` are the lines of a report.
"""
