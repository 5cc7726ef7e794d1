"""A page that runs the model in the browser: nothing is uploaded. Made for any model and skeleton, as static files."""
