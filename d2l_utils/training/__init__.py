"""Parts of the trainer: learning rate, meters, checkpoints, processes, the progress bar."""
