"""The status address of a job: how far it is, its result once it is done, and DELETE to end it.

https://hl7.org/fhir/R4/async.html
"""

from email.utils import formatdate

from fhir_service.fhir.outcome import Issue, fhir_error, operation_outcome
from fhir_service.fhir.resource import Resource
from fhir_service.interactions.exchange import FhirRequest, FhirResponse
from fhir_service.jobs.requests import answer_of
from fhir_service.jobs.runner import Jobs
from fhir_service.storage.job_table import Job

ADDRESS = "_async"
"""Under [base]; the id of the job follows, which nobody can guess."""

_SECONDS = 1_000_000


def location(base: str, job: Job) -> str:
    """Return the status address of a job."""
    return f"{base}/{ADDRESS}/{job.id}"


def accepted(base: str, job: Job) -> FhirResponse:
    """Return 202: the answer will be at the status address."""
    return FhirResponse(
        202,
        operation_outcome([_told("受け付けました。", "Accepted.")]),
        (("Content-Location", location(base, job)), ("Preference-Applied", "respond-async")),
    )


async def status(request: FhirRequest, jobs: Jobs) -> FhirResponse:
    """Answer a request to a status address; 404 where there is no job (any more)."""
    job = await jobs.find(request.path[1]) if len(request.path) == 2 else None
    if job is None:
        raise fhir_error("not-found", "この処理はありません。", "There is no such job (any more).", status=404)
    if request.method == "DELETE":
        await jobs.cancel(job.id)
        return FhirResponse(202, operation_outcome([_told("取り消しました。", "Cancelled.")]))
    if request.method != "GET":
        raise fhir_error(
            "not-supported", "GETかDELETEを使ってください。", "A status address knows GET and DELETE only.", status=405
        )
    if job.status == "working":
        return _working(job, jobs.now_seconds() - job.created / _SECONDS)
    response = answer_of(job.result)
    expires = ("Expires", formatdate(jobs.expires(job) / _SECONDS, usegmt=True))
    body = response.body or operation_outcome([_told("終わりました。", "Done.")])
    return FhirResponse(response.status, body, (*response.headers, expires))


def _working(job: Job, seconds: float) -> FhirResponse:
    """Return 202 with the progress (100 characters at most) and when to ask again."""
    part = f"{job.done} of {job.total}" if job.total else f"working for {seconds:.0f} s"
    retry = 1 if seconds < 10 else 5
    body: Resource = operation_outcome([_told(f"処理中です({part})。", f"In progress: {part}.")])
    return FhirResponse(202, body, (("X-Progress", part), ("Retry-After", str(retry))))


def _told(ja: str, en: str) -> Issue:
    return Issue("informational", ja, en, severity="information")
