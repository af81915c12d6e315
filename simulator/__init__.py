"""A community that can be broken on purpose. Speaks the real wire; imports config, never gateway."""
