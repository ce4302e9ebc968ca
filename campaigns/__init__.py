"""Templates, broadcasts and greetings."""
