"""Faults: real `guanxi serve` processes that are killed, starved, locked out and lied to."""
