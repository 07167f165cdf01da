"""Parts of the trainer, each with its own state: learning rate, meters, checkpoints, processes."""
