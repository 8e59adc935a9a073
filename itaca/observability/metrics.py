"""Every metric of Itaca, declared once: units in the names, few values in the labels, never an address or an id."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0)


class Metrics:
    """The metrics of one process, on a registry of their own so that tests may have many."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        self._of_ingest(self.registry)
        self._of_every_stage(self.registry)
        self._of_outcomes(self.registry)
        self._of_the_whole(self.registry)
        self._of_models(self.registry)

    def _of_ingest(self, r: CollectorRegistry) -> None:
        self.accepted = Counter("itaca_mails_accepted", "Mails committed to the ledger.", ["listener"], registry=r)
        self.duplicates = Counter("itaca_mails_duplicate", "Deliveries of a mail already in the ledger.", registry=r)
        self.deferred = Counter("itaca_mails_deferred", "Mails answered 4xx.", ["reason"], registry=r)
        self.refused = Counter("itaca_mails_refused", "Commands or mails answered 5xx.", ["reason"], registry=r)
        self.connections = Gauge("itaca_smtp_connections", "SMTP connections open now.", registry=r)

    def _of_every_stage(self, r: CollectorRegistry) -> None:
        self.stage_seconds = Histogram(
            "itaca_stage_duration_seconds", "Time one mail took in a stage.", ["stage"], registry=r, buckets=_SECONDS
        )
        self.messages = Counter(
            "itaca_stage_messages",
            "Messages settled by a stage: ack, retry or dead_letter.",
            ["stage", "how"],
            registry=r,
        )
        self.left_to_watch = Counter(
            "itaca_mails_left_to_watch",
            "Accepted mails that could not be dispatched at once, by reason; the watch drives them.",
            ["reason"],
            registry=r,
        )

    def _of_outcomes(self, r: CollectorRegistry) -> None:
        self.settled = Counter("itaca_mails_settled", "Mails settled, by outcome.", ["outcome"], registry=r)
        self.cases_opened = Counter("itaca_cases_opened", "Cases opened, by kind.", ["kind"], registry=r)
        self.escalations = Counter("itaca_promises_broken", "Promises broken, by kind.", ["kind"], registry=r)
        self.violations = Counter(
            "itaca_cancellation_violations",
            "Charges, shipments and mailings reported after the effect of a cancellation, by kind.",
            ["kind"],
            registry=r,
        )
        self.sent = Counter(
            "itaca_outbox_ended", "Outbox entries ended, by kind and state.", ["kind", "state"], registry=r
        )
        self.driven = Counter("itaca_mails_driven_again", "Unsettled mails published again by the watch.", registry=r)
        self.letters_unknown = Counter(
            "itaca_dead_letters_unknown", "Dead letters that speak of no mail in the ledger.", ["queue"], registry=r
        )

    def _of_the_whole(self, r: CollectorRegistry) -> None:
        """Declare the state of the whole, which the watch reads from the ledger and the broker."""
        self.queue_messages = Gauge("itaca_queue_messages", "Messages in a queue.", ["queue", "state"], registry=r)
        self.queue_age = Gauge(
            "itaca_queue_oldest_message_age_seconds",
            "Age of the oldest mail that waits for a stage.",
            ["queue"],
            registry=r,
        )
        self.unsettled = Gauge("itaca_unsettled_mails", "Mails accepted and not yet settled.", registry=r)
        self.unsettled_age = Gauge("itaca_unsettled_oldest_age_seconds", "Age of the oldest of these.", registry=r)
        self.unaccounted = Gauge("itaca_ledger_unaccounted", "Mails the books cannot explain; must be 0.", registry=r)
        self.ownerless = Gauge("itaca_cases_without_owner", "Complaints without an owner; must be 0.", registry=r)
        self.cases_open = Gauge("itaca_cases_open", "Open cases, by kind.", ["kind"], registry=r)
        self.cases_overdue = Gauge("itaca_cases_overdue", "Open cases whose promise is past its date.", registry=r)
        self.outbox_pending = Gauge("itaca_outbox_pending", "Outbox entries that wait to leave.", registry=r)
        self.outbox_age = Gauge("itaca_outbox_oldest_age_seconds", "Age of the oldest of these.", registry=r)

    def _of_models(self, r: CollectorRegistry) -> None:
        self.model_info = Gauge("itaca_model_info", "1 for the model in use.", ["model"], registry=r)
        self.judged = Counter(
            "itaca_mails_judged", "Judgements, by verdict of an intent.", ["intent", "verdict"], registry=r
        )
        self.shadow_mails = Counter(
            "itaca_shadow_mails", "Mails a candidate saw in shadow: judged, failed or skipped.", ["how"], registry=r
        )
        self.shadow_differences = Counter(
            "itaca_shadow_differences",
            "Verdicts in which the candidate differs from the model in use; none: in the review alone.",
            ["intent"],
            registry=r,
        )
        self.elusion = Gauge(
            "itaca_elusion_upper_bound",
            "Upper bound (95 %) of the share of complaints among mail that nobody saw; 1 without any check.",
            ["language"],
            registry=r,
        )
        self.audit_samples = Gauge(
            "itaca_audit_samples",
            "Mails drawn for a blind check: waiting, or checked in a year.",
            ["state"],
            registry=r,
        )
        self.score_drift = Gauge(
            "itaca_score_drift",
            "Population stability index of complaint scores against the model's first; above 0.25 is an alarm.",
            ["language"],
            registry=r,
        )
