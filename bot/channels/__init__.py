"""Kinds of channel, one file or folder each."""
