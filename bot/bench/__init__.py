"""Yardsticks and benchmarks behind `guanxi bench`."""
