"""What `fhir-service validate` found, for people and for programs."""
