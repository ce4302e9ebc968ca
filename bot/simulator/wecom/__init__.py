"""The simulated WeCom (企业微信): one application, customer contact, the directory and group robots."""
