"""What happens before the queue: a call flow as data, one caller's place in it, and the FastAGI wire."""
