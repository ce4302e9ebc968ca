"""What the product is measured against: each the least that does the same kind of work, each 50 lines at most.

Those that serve are started as `python -m bot.bench.yardsticks.NAME` and print their port.
"""
