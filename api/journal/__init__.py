"""The journal as accounting programs read it."""
