"""The simulated WeChat Official Account: pushes to a callback and plays the API host."""
