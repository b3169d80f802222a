"""`python -m fhir_service` is `fhir-service`."""

from fhir_service.cli import main

main()
