"""What a teacher needs: an edition without solutions."""
