"""The pages: what customers, support and operators see in a browser."""
