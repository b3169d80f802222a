"""The FHIR API as an OpenAPI 3.1 document, and as pages to read.

https://spec.openapis.org/oas/v3.1.1.html
"""
