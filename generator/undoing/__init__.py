"""Takes back what a responder did, by the evidence that it left."""
