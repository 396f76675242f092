"""`verify report`: everything that is known of the claims, as one HTML page that needs nothing else."""
