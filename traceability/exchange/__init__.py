"""The log in the words of others: formats that leave, and documents that come in."""
