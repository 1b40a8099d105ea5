"""An OpenAPI 3.1 description, and whether an answer is what it says.

Only the keywords that the description of the admin API uses; any other is an error, so that none is
taken for checked that is not.
"""
import re

ANNOTATIONS = {"description", "default", "title"}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def is_of_type(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


class Description:
    def __init__(self, document):
        self.document = document

    def resolve(self, value):
        while "$ref" in value:
            found = self.document
            for part in value["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            value = found
        return value

    def operations(self):
        """(path, METHOD, operation) of each."""
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield path, method.upper(), operation

    def answer_faults(self, operation, status, content_type, body):
        """What is wrong with an answer; an empty list if nothing."""
        if str(status) not in operation["responses"]:
            return [f"status {status} is not described"]
        content = self.resolve(operation["responses"][str(status)])["content"]
        if content_type not in content:
            return [f"{content_type} is not described for {status}"]
        return list(self.faults(content[content_type]["schema"], body, "body"))

    def faults(self, schema, value, where):
        schema = self.resolve(schema)
        for keyword, argument in schema.items():
            if keyword not in ANNOTATIONS:
                yield from getattr(self, "check_" + keyword)(argument, value, where, schema)

    def check_type(self, names, value, where, _):
        names = [names] if isinstance(names, str) else names
        if not any(is_of_type(value, name) for name in names):
            yield f"{where} is {value!r}, not {names}"

    def check_properties(self, properties, value, where, _):
        for name in properties.keys() & (value.keys() if isinstance(value, dict) else set()):
            yield from self.faults(properties[name], value[name], f"{where}.{name}")

    def check_required(self, names, value, where, _):
        missing = set(names) - (value.keys() if isinstance(value, dict) else set(names))
        if missing:
            yield f"{where} lacks {sorted(missing)}"

    def check_additionalProperties(self, allowed, value, where, schema):
        assert allowed is False
        extra = (value.keys() if isinstance(value, dict) else set()) - schema["properties"].keys()
        if extra:
            yield f"{where} has {sorted(extra)}, which are not described"

    def check_items(self, schema, value, where, _):
        for number, item in enumerate(value if isinstance(value, list) else []):
            yield from self.faults(schema, item, f"{where}[{number}]")

    def check_oneOf(self, schemas, value, where, _):
        if sum(not list(self.faults(schema, value, where)) for schema in schemas) != 1:
            yield f"{where} is {value!r}: " + "; ".join(f for schema in schemas for f in self.faults(schema, value, where))

    def check_enum(self, values, value, where, _):
        if value not in values:
            yield f"{where} is {value!r}, not one of {values}"

    def check_minimum(self, least, value, where, _):
        if isinstance(value, int) and value < least:
            yield f"{where} is {value}, under {least}"

    def check_pattern(self, pattern, value, where, _):
        if isinstance(value, str) and not re.search(pattern, value):
            yield f"{where} is {value!r}, not {pattern}"

    def check_format(self, name, value, where, _):
        assert name == "date-time"
        if isinstance(value, str) and not DATE_TIME.fullmatch(value):
            yield f"{where} is {value!r}, no RFC 3339 time"
