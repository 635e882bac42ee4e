"""Savings tips."""
