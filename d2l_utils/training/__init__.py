"""Parts of the trainer: checkpoints, processes, the progress bar."""
