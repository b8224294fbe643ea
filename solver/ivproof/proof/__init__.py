"""Makes proofs; nothing here is shared with the engine that checks them."""
