"""The words of Itaca: ids, intents, events and their encoding."""
