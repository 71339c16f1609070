"""What nerves drive outside the nervous system: muscle and gland."""
