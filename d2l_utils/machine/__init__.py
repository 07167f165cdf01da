"""The machine: its cores, memory, random numbers, files and data."""
