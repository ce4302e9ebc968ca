"""A small believable company with three hundred leads and customers, for the demo; every name is made up."""
