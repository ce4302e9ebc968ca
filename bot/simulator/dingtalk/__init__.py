"""The simulated DingTalk: pushes robot messages and events, and plays both API hosts."""
