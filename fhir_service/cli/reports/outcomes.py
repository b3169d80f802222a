"""The report for programs: OperationOutcomes, each with the file it is about.

https://hl7.org/fhir/R4/extension-operationoutcome-file.html
"""

import uuid
from collections.abc import Iterable

from fhir_service.cli.reports.checked import Checked
from fhir_service.fhir.outcome import Issue, operation_outcome
from fhir_service.fhir.resource import Resource

FILE = "http://hl7.org/fhir/StructureDefinition/operationoutcome-file"
ALL_OK = Issue("informational", "問題は見つかりませんでした。", "All OK.", severity="information")


def outcomes(found: Iterable[Checked]) -> Resource:
    """Return the OperationOutcome of one resource, or a Bundle of those of several."""
    made = [_outcome(each) for each in found]
    if len(made) == 1:
        return made[0]
    entries = [
        {
            "fullUrl": uuid.uuid5(uuid.NAMESPACE_URL, f"{number} {each['extension'][0]['valueString']}").urn,
            "resource": each,
        }
        for number, each in enumerate(made)
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def _outcome(checked: Checked) -> Resource:
    outcome = operation_outcome(checked.issues or [ALL_OK])
    return {
        "resourceType": "OperationOutcome",
        "extension": [{"url": FILE, "valueString": str(checked.place)}],
        "issue": outcome["issue"],
    }
