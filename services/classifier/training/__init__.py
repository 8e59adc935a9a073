"""Training, offline: from labelled mails to an immutable model folder."""
