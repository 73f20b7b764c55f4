"""What people see: components and figures made from plain data."""
