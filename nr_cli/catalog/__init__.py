"""Facts about models, their vendors, their prices: data rather than code."""
