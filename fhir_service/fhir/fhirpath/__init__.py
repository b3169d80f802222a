"""FHIRPath: compiled once per expression, then evaluated on resources.

https://hl7.org/fhirpath/N1/
https://hl7.org/fhir/R4/fhirpath.html
"""

from fhir_service.fhir.definitions import Definitions
from fhir_service.fhir.fhirpath.code import Code
from fhir_service.fhir.fhirpath.compiler import Compiler
from fhir_service.fhir.fhirpath.error import FhirPathError, failed, too_costly
from fhir_service.fhir.fhirpath.item import SLICE, Allowance, Context, Environment, Item, Items, Quantity
from fhir_service.fhir.fhirpath.model import model_of, type_of
from fhir_service.fhir.fhirpath.parser import parse
from fhir_service.fhir.fhirpath.syntax import calls
from fhir_service.fhir.resource import Resource

__all__ = ["SLICE", "Allowance", "Environment", "Expression", "FhirPathError", "Item", "Items", "Quantity", "compile"]

_BARE = Environment()


class Expression:
    """A compiled expression; it can be evaluated as often as wanted, on any resource of its context type."""

    def __init__(self, text: str, code: Code, context_type: str | None) -> None:
        self.text = text
        self.types = code.types
        self._run = code.run
        self._context_type = context_type

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def evaluate(self, focus: Resource | Item | None, environment: Environment = _BARE) -> Items:
        """Return the result on a resource, on an item of one (whose resource is `environment.resource`), or on nothing.

        Raises FhirPathError (422) if the expression cannot be evaluated on it, or goes past the limit.
        """
        this = [focus] if isinstance(focus, Item) else _resource(focus)
        if self._context_type is not None and this and this[0].type != self._context_type:
            ja = f"{self._context_type}のための式を{this[0].type}に使いました。"
            raise failed(ja, f"An expression for {self._context_type} was used on {this[0].type}.").within(self.text)
        resource = this if environment.resource is None else _resource(environment.resource)
        root = resource if environment.root is None else _resource(environment.root)
        context = Context(environment, this, resource, root)
        try:
            return list(self._run(this, context))
        except FhirPathError as error:
            raise error.within(self.text) from None
        except RecursionError:
            raise too_costly().within(self.text) from None
        finally:
            context.close()


def _resource(resource: Resource | None) -> Items:
    return [] if resource is None else [Item(resource, type_of(resource, "Resource"))]


def compile(  # noqa: A001  # the word for it, as in `re.compile`
    expression: str, definitions: Definitions, *, context_type: str | None = None, strict: bool = False
) -> Expression:
    """Return the compiled expression; raise FhirPathError (400, with line and column) if it cannot be read.

    `context_type` is the type that it will be evaluated on (`Patient`, `Patient.contact`), if that is known: paths are
    then looked up now, and branches about other types fall away. `strict` refuses, with the type known, elements that a
    type has not, arguments of a wrong type, and positions in what has no order.
    """
    model = model_of(definitions)
    closed = None if context_type is None or model.is_open(context_type) else context_type
    try:
        tree = parse(expression)
        compiler = Compiler(model, strict, calls(tree, "defineVariable"))
        code = compiler.expression(tree, None if closed is None else (closed,))
    except FhirPathError as error:
        raise error.within(expression) from None
    except RecursionError:
        raise too_costly().within(expression) from None
    return Expression(expression, code, closed)
