"""Tests of the WeCom application."""
