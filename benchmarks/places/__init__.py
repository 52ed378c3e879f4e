"""What stores of orders, a shared pace and engines take and can do."""
