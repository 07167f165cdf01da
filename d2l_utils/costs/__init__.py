"""What a network is and costs: its operations, parameters, MACs and bytes."""
