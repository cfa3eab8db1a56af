"""Downloads articles from PMC's S3 bucket: plans, downloads, updates and verifies a folder of articles."""
