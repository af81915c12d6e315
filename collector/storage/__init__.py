"""What is kept: decisions and records in the store, values in the history, the ledger of both."""
