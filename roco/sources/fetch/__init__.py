"""PMC's cloud bucket: what there is, what of it is wanted, and how it comes here in full and stays as it is there."""
