"""One folder, one process: ingest -> classifier -> router, with courier and watch around them."""
