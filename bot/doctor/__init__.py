"""`guanxi doctor`: what stands between these settings and a working product, each with its cause and its mend.

Reading order: findings.py, then house.py (this machine), then channels.py (the platforms).
"""

from bot.doctor.findings import Finding, State
from bot.doctor.run import examine

__all__ = ["Finding", "State", "examine"]
