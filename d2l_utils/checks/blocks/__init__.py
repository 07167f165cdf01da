"""The engine that judges an attempt at a block of a network by what it computes.

A block (``block``) is an expression (``graph``) that predicts what an attempt should show
(``evaluate``, ``parameters``). A mistake (``kinds_of_mistake``, ``words_for_mistakes``) makes a
wrong expression of it; the first one that predicts what was observed (``learners_block``) is told
(``explain``). The ``judge`` modules have the requirements of which exercises are made.
"""
