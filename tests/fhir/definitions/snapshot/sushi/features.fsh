// One profile for each thing that a differential can say; SUSHI's snapshots of them are compared with ours.

Profile: Sliced
Parent: Patient
Id: sliced
* identifier ^slicing.discriminator.type = #value
* identifier ^slicing.discriminator.path = "system"
* identifier ^slicing.rules = #open
* identifier contains mrn 1..1 and card 0..2
* identifier[mrn].system 1..1
* identifier[mrn].system = "urn:oid:1.2.392.100495.20.3.51" (exactly)
* identifier[card] ^slicing.discriminator.type = #value
* identifier[card] ^slicing.discriminator.path = "use"
* identifier[card] ^slicing.rules = #closed
* identifier[card] contains official 0..1
* identifier[card][official].use = #official
* name 1..*
* name.family 1..1
* name.family ^maxLength = 40
* contact.name.given 1..2
* generalPractitioner only Reference(Organization)

Profile: Chosen
Parent: Observation
Id: chosen
* value[x] only Quantity or CodeableConcept
* valueQuantity.unit 1..1
* valueQuantity = http://unitsofmeasure.org#mm[Hg]
* valueCodeableConcept from http://hl7.org/fhir/ValueSet/observation-interpretation (required)
* effective[x] only dateTime
* component ^slicing.discriminator.type = #pattern
* component ^slicing.discriminator.path = "code"
* component ^slicing.rules = #open
* component contains systolic 1..1 and diastolic 1..1
* component[systolic].code = http://loinc.org#8480-6
* component[systolic].value[x] only Quantity
* component[systolic].valueQuantity.value 1..1
* component[diastolic].code = http://loinc.org#8462-4

Profile: Ranged
Parent: Observation
Id: ranged
* component.referenceRange.low 1..1

Extension: Reading
Id: reading
* value[x] only string
* value[x] 1..1

Extension: Notes
Id: notes
* extension contains author 0..1 and text 1..*
* extension[author].value[x] only Reference(Practitioner or Organization)
* extension[text].value[x] only markdown

Profile: Extended
Parent: Patient
Id: extended
* extension contains Reading named reading 0..1 MS and Notes named notes 0..*
* extension[reading].valueString ^maxLength = 100
* extension[notes].extension[text] 2..*
* name.extension contains Reading named reading 0..1
* modifierExtension 0..0

Invariant: own-1
Description: "A period has a beginning."
Expression: "period.exists() implies period.start.exists()"
Severity: #error

Profile: Above
Parent: Sliced
Id: above
* obeys own-1
* identifier[mrn] MS
* identifier[mrn].value 1..1
* identifier contains other 0..1
* name ^slicing.discriminator.type = #value
* name ^slicing.discriminator.path = "use"
* name ^slicing.rules = #open
* name contains usual 0..1
* name[usual].use = #usual
* name[usual].text 1..1

Profile: Asked
Parent: Questionnaire
Id: asked
* item.item.linkId ^maxLength = 10
* item.item.item.text 1..1

Profile: Bundled
Parent: Bundle
Id: bundled
* type = #document
* entry ^slicing.discriminator.type = #type
* entry ^slicing.discriminator.path = "resource"
* entry ^slicing.rules = #open
* entry contains person 1..1 and others 0..*
* entry[person].resource only Sliced
* entry[person].resource 1..1
* entry[others].resource only Observation
