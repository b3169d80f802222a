"""What R4 asks in prose of the resources that define something, a module for each type, named as R4 names it.

https://hl7.org/fhir/R4/conformance-module.html
"""
