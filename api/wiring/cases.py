"""Wiring of what customers report and think, and of what support decides about Stripe."""

from adapters.postgres.cases import PostgresCaseLists, PostgresCaseTexts
from adapters.postgres.database import Database
from adapters.postgres.discrepancies import PostgresDiscrepancies
from adapters.postgres.feedback import PostgresFeedback
from application.case_screens import Screens
from application.cases import Cases
from application.conflicts import Conflicts
from application.discrepancies import Discrepancies
from application.feedback import FeedbackOnBills
from application.invoices import Invoices
from application.ports import Books, EventLog
from application.reconciler import random_token
from application.stories import CaseNames, newest_cases


def cases(database: Database, log: EventLog, books: Books, invoices: Invoices) -> Cases:
    """Everything about cases over one database."""
    return Cases(
        log,
        books,
        Screens(books, invoices),
        PostgresCaseTexts(database),
        PostgresCaseLists(database),
        random_token,
    )


def about_cycles(database: Database) -> CaseNames:
    """The cases that the story of an invoice tells of."""
    return newest_cases(PostgresCaseLists(database))


def feedback(database: Database, books: Books) -> FeedbackOnBills:
    """What people thought of their bills."""
    return FeedbackOnBills(PostgresFeedback(database), books)


def discrepancies(database: Database, conflicts: Conflicts) -> Discrepancies:
    """What is open at Stripe, over all cycles."""
    return Discrepancies(PostgresDiscrepancies(database), conflicts)
