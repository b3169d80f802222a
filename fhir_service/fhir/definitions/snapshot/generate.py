"""A snapshot generated: the differential of a profile put upon the tree of its base, element by element.

https://hl7.org/fhir/R4/profiling.html#snapshot
"""

from collections.abc import Callable, Iterable
from typing import Any

from fhir_service.fhir.definitions.snapshot.discriminator import astray
from fhir_service.fhir.definitions.snapshot.faults import broken, fault
from fhir_service.fhir.definitions.snapshot.merge import merged, typed
from fhir_service.fhir.definitions.snapshot.steps import Step, Steps, placed
from fhir_service.fhir.definitions.snapshot.target import foreign_targets
from fhir_service.fhir.definitions.snapshot.tree import Node, copied
from fhir_service.fhir.outcome import Issue
from fhir_service.fhir.resource import Resource

Tree = Callable[[str], Node | None]
"""The tree of a canonical or type code; None if it is not here."""

SYSTEM_TYPE = "http://hl7.org/fhirpath/System."
# Types that others take the place of.
ANY_TYPE = {"Resource", "DomainResource", "Element", "BackboneElement"}
EXTENSIONS = {"extension", "modifierExtension"}
BY_URL = {"discriminator": [{"type": "value", "path": "url"}], "ordered": False, "rules": "open"}
BY_TYPE = {"discriminator": [{"type": "type", "path": "$this"}], "ordered": False, "rules": "open"}
# What a slice does not take from the element that it is a slice of.
OF_THE_SLICED = {"slicing", "sliceName", "sliceIsConstraining"}
# https://hl7.org/fhir/R4/valueset-binding-strength.html: what a binding must not become
WEAKER = {"required": {"extensible", "preferred", "example"}, "extensible": {"preferred", "example"}}
UNSLICED = "definition-slicing"
MAX_ELEMENTS = 200_000
"""Many more than any snapshot has; a definition that unfolds without end, or slices what is large, ends here."""


class Generation:
    """One snapshot in the making: `root` is a copy of the base's tree, `issues` grow with what is wrong.

    `places` are the ids of the nodes upon which the elements of the differential were put, None for want of one.
    """

    def __init__(self, definition: Resource, base: Node, tree: Tree, *, detached: bool = False) -> None:
        self._url = str(definition.get("url", ""))
        self._adds = definition.get("derivation") == "specialization"
        self._tree = tree
        self._detached = detached
        self._base = base
        self.root = copied(base, None)
        self.root.name = str(definition.get("type", base.name)).rpartition("/")[2]
        self.issues: list[Issue] = []
        self.places: list[str | None] = []
        self._size = 0

    def apply(self, differential: Iterable[Resource]) -> None:
        """Put the elements of the differential upon the tree, in their order."""
        elements = list(placed(differential))
        self._shortened = _shortened(elements)
        for steps, element in elements:
            node = self._node(steps)
            if node is not None:
                self._put(node, element)
            self.places.append(node.id if node else None)

    def _put(self, node: Node, element: Resource) -> None:
        if "contentReference" in node.element and "type" in element and not node.children:
            self._unfold(node)
        base = node.element
        profile = _only_profile(element)
        if profile and profile != _only_profile(base) and node.name in EXTENSIONS:
            root = self._tree(profile)
            base = typed(base, root.element) if root else base
        if "type" in element and "type" in base:
            element = self._fitting(node, base, element)
        node.element = merged(base, element, self._url)
        if node.slice:
            node.element["sliceName"] = node.slice
        else:
            node.element.pop("sliceName", None)
        self._check(node, base, element)

    def _fitting(self, node: Node, base: Resource, element: Resource) -> Resource:
        """Return what is said of an element without types that it does not have in the base."""
        had = {each["code"] for each in base["type"]}
        if had & ANY_TYPE or any(code.startswith(SYSTEM_TYPE) for code in had):
            return element
        other = [each["code"] for each in element["type"] if each["code"] not in had]
        if not other:
            return element
        named, of = ", ".join(other), ", ".join(sorted(had))
        self._tell(node.id, f"{named} は元の型({of})にありません", f"{named} is none of its types ({of})")
        return {**element, "type": [each for each in element["type"] if each["code"] in had] or base["type"]}

    def _check(self, node: Node, base: Resource, said: Resource) -> None:
        """Tell where the differential loosens what it is derived from, or contradicts itself."""
        out = node.element
        for bound in ("min", "max"):
            if bound in said and out.get(bound) != said[bound]:
                ja = f"{bound} = {said[bound]} は、基の定義の {base[bound]} を緩めています"
                self._tell(node.id, ja, f"{bound} = {said[bound]} loosens the {base[bound]} of its base")
        strengths = [(each.get("binding") or {}).get("strength") for each in (base, said)]
        if strengths[1] in WEAKER.get(str(strengths[0]), ()):
            ja = f"{strengths[0]} の値セットを {strengths[1]} に緩めています"
            self._tell(node.id, ja, f"its binding is {strengths[1]}, where that of its base is {strengths[0]}")
        for target in foreign_targets(base, said, self._tree):
            ja = f"{target} は、基の定義の参照先にありません"
            self._tell(node.id, ja, f"{target} is none of the targets that its base allows")
        for path in astray(said, node, self._all_children):
            ja, en = (
                f"スライスの分け方の {path} がこの要素にありません",
                f"it is sliced by {path}, which it does not have",
            )
            self._tell(node.id, ja, en)
        high = out.get("max", "*")
        if high != "*" and out.get("min", 0) > int(high):
            ja, en = (
                f"min = {out['min']} が max = {high} より大きいです",
                f"min = {out['min']} is more than max = {high}",
            )
            self._tell(node.id, ja, en)

    def _all_children(self, node: Node) -> list[Node]:
        """Return the children of a node, or those of every type that it may have; the tree stays as it is."""
        if node.children:
            return node.children
        if "contentReference" in node.element:
            referred = self._referred(str(node.element["contentReference"]).partition("#")[2])
            return referred.children if referred else []
        types = node.element.get("type", [])
        names = [name for each in types for name in (*each.get("profile", ()), each["code"])]
        trees = (self._tree(name) for name in names if not name.startswith(SYSTEM_TYPE))
        return [child for tree in trees if tree for child in tree.children]

    def _tell(self, at: str, ja: str, en: str) -> None:
        self.issues.append(fault(self._url, ja, en, at=at))

    def _node(self, steps: Steps) -> Node | None:
        """Return the node of these steps, made where the base does not have it; None if that cannot be."""
        node: Node | None = self.root
        if steps[0].name != self.root.name:
            self._tell(steps[0].name, f"{self.root.name} の定義です", f"this is a definition of {self.root.name}")
            return None
        for depth, step in enumerate(steps[1:], start=1):
            node = self._child(node, step, steps[: depth + 1]) if node else None
        return node

    def _child(self, node: Node, step: Step, steps: Steps) -> Node | None:
        if not node.children:
            self._unfold(node)
        child = node.child(step.name)
        if child is None and (choice := _choice_of(node, step.name)) is not None:
            return self._shortcut(choice, step, steps)
        child = child or self._child_of_some_type(node, step.name)
        if child is None:
            if not self._adds:
                at = f"{node.id}.{step.name}"
                self._tell(at, f"{node.path} に {step.name} という要素はありません", f"{node.path} has no {step.name}")
                return None
            child = Node(step.name, {})
            node.add_child(child)
        return self._sliced(child, step.slice) if step.slice else child

    def _child_of_some_type(self, node: Node, name: str) -> Node | None:
        """Return the child that some of the types of a choice have: `value` of `value[x]`, which may be a Quantity."""
        types = node.element.get("type", [])
        if len(types) < 2:
            return None
        trees = (self._tree(str(each["code"])) for each in types if not each["code"].startswith(SYSTEM_TYPE))
        found = next((child for tree in trees if tree and (child := tree.child(name))), None)
        if found is None:
            return None
        child = copied(found, node)
        node.add_child(child)
        return child

    def _sliced(self, node: Node, name: str) -> Node | None:
        """Return the slice of this name, made if it is not there; None where nothing says how it is told apart.

        A slice of what cannot repeat is the element itself.
        """
        found = node.slice_named(name)
        if found is not None:
            return found
        of = node.slice_named(name.rpartition("/")[0]) or node
        if "slicing" not in of.element and not _imply_slicing(of):
            return self._unsliced(of, name)
        return self._slice(node, of, name)

    def _unsliced(self, node: Node, name: str) -> Node | None:
        if not self._detached:
            ja = f"スライス {name} がありますが、分け方(slicing)がありません"
            en = f"it has a slice {name}, but nothing says how it is sliced (slicing)"
            self.issues.append(fault(self._url, ja, en, at=node.id, rule=UNSLICED))
        return node if node.element.get("max") == "1" else None

    def _slice(self, sliced: Node, of: Node, name: str) -> Node:
        """Return a new slice, which has all that is said of the sliced element but how many there must be."""
        element = {key: value for key, value in of.element.items() if key not in OF_THE_SLICED}
        element |= {"sliceName": name, "min": 0}
        if element.get("max") == "0":
            element["max"] = "*"  # of none there are no slices; the sliced element says so itself
        if (code := _type_of_choice(sliced, name)) is not None:
            element["type"] = [code]
        new = Node(sliced.name, element, name)
        new.children = self._copies(of, new)
        sliced.add_slice(new)
        return new

    def _shortcut(self, choice: Node, step: Step, steps: Steps) -> Node:
        """Return the node that `valueQuantity` is short for.

        The choice then has the types that are named so, and no others, unless it is said how it is sliced.
        """
        name = step.slice or step.name
        existing = choice.slice_named(name)
        if existing is not None:
            return existing
        if "slicing" in choice.element or step.slice:
            _imply_slicing(choice)
            return self._slice(choice, choice, name)
        codes = self._shortened.get((steps[:-1], choice.name), {step.name})
        types = [
            each
            for each in choice.element["type"]
            if _capital(each["code"]) in {c[len(choice.name) - 3 :] for c in codes}
        ]
        choice.element = {**choice.element, "type": types}
        if len(types) == 1 and any(each.slice for each in steps[:-1]):
            return choice
        choice.element["slicing"] = {**BY_TYPE, "rules": "closed"}
        return self._slice(choice, choice, name)

    def _unfold(self, node: Node) -> None:
        """Give a node the children of its type, of the profile of its type, or of what it refers to."""
        source = self._unfolded(node)
        if source is None:
            return
        node.children = self._copies(source, node)

    def _copies(self, source: Node, parent: Node) -> list[Node]:
        """Return the children of a node for another one; FhirError for a snapshot that grows too large."""
        self._size += source.size()
        if self._size > MAX_ELEMENTS:
            limit = f"{MAX_ELEMENTS:,}"
            raise broken(self._url, f"要素が多すぎます({limit} まで)", f"it has too many elements ({limit} at most)")
        return [copied(each, parent) for each in source.children]

    def _unfolded(self, node: Node) -> Node | None:
        reference = node.element.get("contentReference")
        if reference is not None:
            target = self._referred(str(reference).partition("#")[2])
            if target is not None:
                node.element = {key: value for key, value in node.element.items() if key != "contentReference"}
                node.element["type"] = target.element.get("type", [])
            return target
        types = node.element.get("type", [])
        codes = {str(each.get("code")) for each in types}
        if len(codes) != 1:
            return self._tree("Element") if codes else None
        (code,) = codes
        if code.startswith(SYSTEM_TYPE):
            return None
        profile = _only_profile(node.element)
        return (self._tree(profile) if profile else None) or self._tree(code)

    def _referred(self, path: str) -> Node | None:
        """Return the node of a content reference's path, `Observation.referenceRange`."""
        root, *names = path.split(".")
        node = self._base if root == self._base.name else self._tree(root)
        for name in names:
            node = node.child(name) if node else None
        return node


def _imply_slicing(sliced: Node) -> bool:
    """Say how extensions (by url) and choices (by type) are sliced; False for anything else.

    https://hl7.org/fhir/R4/profiling.html#slicing
    """
    implied = BY_URL if sliced.name in EXTENSIONS else BY_TYPE if sliced.name.endswith("[x]") else None
    if implied is not None:
        sliced.element = {"slicing": implied, **sliced.element}
    return implied is not None


def _only_profile(element: Resource) -> str | None:
    match element.get("type"):
        case [{"profile": [str(profile)]}]:
            return profile
    return None


def _capital(code: str) -> str:
    return f"{code[0].upper()}{code[1:]}"


def _choice_of(parent: Node, name: str) -> Node | None:
    """Return the choice element that this name is short for."""
    for child in parent.children:
        if child.name.endswith("[x]") and _type_of_choice(child, name) is not None:
            return child
    return None


def _type_of_choice(choice: Node, name: str) -> Any:
    """Return the type of a choice that `valueQuantity` names."""
    if not choice.name.endswith("[x]") or not name.startswith(choice.name[:-3]):
        return None
    suffix = name[len(choice.name) - 3 :]
    return next((each for each in choice.element.get("type", []) if _capital(each["code"]) == suffix), None)


def _shortened(elements: Iterable[tuple[Steps, Resource]]) -> dict[tuple[Steps, str], set[str]]:
    """Return by parent and choice element the names that are used for it; filled as if every name were a shortcut."""
    found: dict[tuple[Steps, str], set[str]] = {}
    every = dict.fromkeys(whole[:depth] for whole, _ in elements for depth in range(2, len(whole) + 1))
    for steps in every:
        name = steps[-1].name
        for at in (at for at, letter in enumerate(name) if at and letter.isupper()):
            found.setdefault((steps[:-1], f"{name[:at]}[x]"), set()).add(name)
    return found
