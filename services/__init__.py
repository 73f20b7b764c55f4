"""What the product does: models, queries, loading, access. No web framework below this line."""
