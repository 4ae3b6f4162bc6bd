"""Many processes write into one history at once, and now and then one is killed."""
