"""The ``itaca`` command: its verbs, its exit codes, and the one place where an error becomes a sentence.

Exit codes: 0 done, 1 the answer is no (or a backend is away), 2 misuse or misconfiguration.
"""

import sys

import typer

from itaca.cli import (
    activities,
    audit,
    backups,
    cases,
    classify,
    customers,
    dead_letters,
    demo,
    labels,
    models,
    people,
    queues,
    send,
    settings,
    stages,
    tokens,
    trace,
    train,
    webhooks,
)
from itaca.errors import ConfigurationError, PermanentError, TransientError
from itaca.observability.logs import configure_logs

app = typer.Typer(
    name="itaca",
    help="Itaca brings every customer's mail home: e-mail triage that never drops a complaint.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)

stages.add_to(app)
app.command("send", epilog=send.EXAMPLE)(send.send)
app.command("classify", epilog=classify.EXAMPLE)(classify.classify)
app.command("trace", epilog=trace.EXAMPLE)(trace.trace)
app.add_typer(audit.app, name="audit")
app.add_typer(cases.app, name="cases")
app.add_typer(people.app, name="people")
app.command("queues", epilog=queues.EXAMPLE)(queues.queues)
app.add_typer(dead_letters.app, name="dead-letters")
app.command("backup", epilog=backups.BACKUP_EXAMPLE)(backups.backup)
app.command("restore", epilog=backups.RESTORE_EXAMPLE)(backups.restore)
app.command("settings", epilog=settings.EXAMPLE)(settings.settings)
app.command("demo", epilog=demo.EXAMPLE)(demo.demo)
app.command("train", epilog=train.TRAIN_EXAMPLE)(train.train)
app.command("evaluate", epilog=train.EVALUATE_EXAMPLE)(train.evaluate)
app.add_typer(models.app, name="models")
app.add_typer(labels.app, name="label")
app.add_typer(customers.app, name="customers")
app.add_typer(tokens.app, name="tokens")
app.add_typer(activities.app, name="activities")
app.add_typer(webhooks.app, name="webhooks")


def main() -> None:
    """Run the command and end the process with its exit code."""
    # Standard output belongs to the answer; a stage sets its own level later.
    configure_logs("warning")
    try:
        app()
    except ConfigurationError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        sys.exit(2)
    except (TransientError, PermanentError) as error:
        print(f"itaca: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        # The reader of our output went away (a pager, head); that is no error.
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        # A file that somebody named cannot be read or written; whatever else fails is an error of ours by then.
        print(f"itaca: {error.filename or 'a file'}: {error.strerror or type(error).__name__}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
