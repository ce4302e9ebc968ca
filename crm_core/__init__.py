"""The business: what a lead, a customer or a follow-up is, whatever carried it."""
