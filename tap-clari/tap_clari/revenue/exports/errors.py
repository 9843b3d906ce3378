"""What a user reads when an export job cannot be had, or brings nothing."""

from __future__ import annotations

import typing as t

from singer_sdk.exceptions import FatalAPIError

if t.TYPE_CHECKING:
    from datetime import timedelta

    from tap_clari.revenue.exports.active import ActiveJob
    from tap_clari.revenue.exports.jobs import Limits


class ExportFailedError(FatalAPIError):
    """One export brings nothing. The others of the run may."""


def quota_spent(limits: Limits, needed: int, started: int) -> str:
    """Say that the month's jobs do not suffice; `started` is how many the run has already."""
    left = max(0, limits.available_monthly_quota)
    of_all = "" if limits.monthly_quota is None else f" of {limits.monthly_quota}"
    more = " more" if started else ""
    kept = f"The {started} it has are kept for the next run." if started else "None was started."
    return (
        f"The monthly quota of Clari export jobs does not suffice: this run needs {needed}{more}, "
        f"and {left}{of_all} are left in the rolling 30 days. {kept} Wait until older jobs are "
        "30 days old, ask your Clari customer success manager for a larger quota, or select less: "
        "fewer forecast_ids or time_periods, not the activities, or no reread_closed_periods."
    )


def quota_refused(label: str) -> str:
    """Say that the API refuses a job for a quota, and that the limits are not known."""
    return (
        f"Clari does not start an export job for {label}: the monthly quota or the limit of jobs "
        "at a time is reached (export_monthly_quota_reached), and the token may not see which. Run "
        "again when other jobs have ended, ask your Clari customer success manager for a larger "
        "quota, or select less."
    )


def slots_taken(limits: Limits) -> str:
    """Say that there is no slot, or that Clari says so."""
    if limits.available_concurrent_limit > 0:
        return (
            "Clari refuses to start an export job for its quota, though "
            f"{limits.available_concurrent_limit} slots and {limits.available_monthly_quota} jobs "
            "of the month are said to be left"
        )
    return (
        f"All {limits.concurrent_limit or len(limits.running)} slots for Clari export jobs are "
        f"taken (running: {', '.join(limits.running) or 'not told'})"
    )


def no_slot(limits: Limits, waited: timedelta) -> str:
    """Say that no slot came free."""
    return (
        f"{slots_taken(limits)}, and that did not change in {waited} (h:mm:ss): run again when "
        "the others have ended, cancel one of them, or raise job_timeout_seconds."
    )


def not_started(label: str, cause: object, tries: int) -> str:
    """Say that the start of a job is not answered."""
    return (
        f"Clari does not start an export job ({cause}, {tries} tries) for {label}, and none is "
        "found that was started. Run again later: the sync resumes where it stopped."
    )


def failed(active: ActiveJob, status: str) -> str:
    """Say that a job failed."""
    return (
        f"The Clari export job {active.job_id} ended with {status} after "
        f"{active.deadline.waited} (h:mm:ss). It was for {active.request.label}. Run again, which "
        "starts another; if that fails too, ask Clari support about this job."
    )


def vanished(active: ActiveJob) -> str:
    """Say that Clari does not know a job any more."""
    return (
        f"Clari has no export job {active.job_id} any more. It was for {active.request.label}. Run "
        "again, which starts another."
    )


def never_ends(active: ActiveJob, status: str) -> str:
    """Say that a job did not end in time."""
    return (
        f"The Clari export job {active.job_id} is still {status} after "
        f"{active.deadline.waited} (h:mm:ss). It is for {active.request.label}. The next run waits "
        "for it again and does not pay for another. If it only needs longer, raise "
        "job_timeout_seconds; if it hangs, cancel it in Clari."
    )


def no_result(active: ActiveJob, reason: object) -> str:
    """Say that a job is done and its result cannot be had."""
    return (
        f"The Clari export job {active.job_id} is done, but its result cannot be had. {reason} The "
        f"next run starts another job for {active.request.label}."
    )


def unreadable_result(active: ActiveJob, reason: object) -> str:
    """Say that the result of a job comes, and is not what it should be."""
    return (
        f"The result of the Clari export job {active.job_id} for {active.request.label} cannot be "
        f"read. {reason} The job is paid for: the next run asks for its result again, and for no "
        "other job as long as Clari keeps this one. If it stays so, ask Clari support about it."
    )
