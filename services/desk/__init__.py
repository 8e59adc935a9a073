"""The desk: the pages by which people see, answer and close cases; and the REST API."""
