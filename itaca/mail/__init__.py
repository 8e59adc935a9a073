"""Rules about mail: reading bytes into the text a person wrote."""
