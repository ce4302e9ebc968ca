"""The simulated customer service of WeCom (微信客服); read platform.py first."""
