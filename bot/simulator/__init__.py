"""The platforms played on loopback; imports nothing of bot.channels or bot.crypto."""
