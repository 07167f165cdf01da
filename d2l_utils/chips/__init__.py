"""A model of a chip for networks: its array, its buffer, its DRAM; time, energy and area."""
