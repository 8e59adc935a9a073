"""MailReceived in, MailClassified out."""
