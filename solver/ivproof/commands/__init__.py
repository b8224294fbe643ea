"""The commands of ivproof, a module for each. What takes time to load is imported where a command needs it."""
