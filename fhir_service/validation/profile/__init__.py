"""Profiles: StructureDefinitions compiled to checks of typed values, beside what R4 itself asks for.

A profile is compiled to what it adds to R4: the base checks run anyway, so that only elements that the profile changes
are visited. https://hl7.org/fhir/R4/profiling.html
"""
