"""MailClassified in; cases, promises and outbox entries out, in one transaction."""
