"""Shadow mode: beside another biller, our books are compared with its invoices."""
