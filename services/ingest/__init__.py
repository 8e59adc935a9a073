"""SMTP (or LMTP) in, a ledger entry and MailReceived out."""
