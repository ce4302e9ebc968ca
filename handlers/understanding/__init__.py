"""The only parser: text and now in, meaning out; pure."""
