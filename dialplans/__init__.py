"""What a dialled number means, and the files that tell Asterisk."""
