"""Section 8.4, multi-branch networks (GoogLeNet): a module for each exercise, and their judges."""
