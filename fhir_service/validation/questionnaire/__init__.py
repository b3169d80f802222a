"""Questionnaires and what answers them.

https://hl7.org/fhir/R4/questionnaire.html and https://hl7.org/fhir/R4/questionnaireresponse.html
"""
