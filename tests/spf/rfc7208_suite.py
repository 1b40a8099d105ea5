#!/usr/bin/env python3
"""Every case of the community's RFC 7208 test suite has the result, and the explanation, it asks for."""
import sys

import evaluator

DEFAULT = "DEFAULT"


def octets(value):
    return str(value).encode("latin-1").hex()


def txt(value):
    return ["TXT", *map(octets, value if isinstance(value, list) else [value])]


def records(entries):
    """A name's records; those of the former type SPF stand for TXT unless it has TXT of its own."""
    pairs = [next(iter(entry.items())) if isinstance(entry, dict) else (entry, None) for entry in entries]
    has_txt = any(kind == "TXT" for kind, _ in pairs)
    for kind, value in pairs:
        if value == "NONE":
            continue
        if kind == "TXT" or (kind == "SPF" and not has_txt):
            yield txt(value)
        elif kind == "MX":
            yield ["MX", *value]
        elif kind == "TIMEOUT":
            yield ["TIMEOUT"]
        elif kind != "SPF":
            yield [kind, str(value).rstrip(".")]


def as_list(value):
    return value if isinstance(value, list) else [value]


def is_right(case, answer):
    if answer["result"] not in as_list(case["result"]):
        return False
    wanted = case.get("explanation")
    return wanted is None or answer["explanation"] == ("" if wanted == DEFAULT else wanted)


def main():
    yaml = evaluator.need_module("yaml")
    path = evaluator.CORPUS / "spf/rfc7208-tests.yml"
    if not path.exists():
        evaluator.skip(f"no {path}")
    groups, cases = [], []
    for scenario in yaml.safe_load_all(path.read_text()):
        zone = {name: list(records(entries)) for name, entries in scenario["zonedata"].items()}
        names = list(scenario["tests"])
        questions = [scenario["tests"][name] for name in names]
        asked = [evaluator.question(case["host"], case["mailfrom"], case["helo"]) for case in questions]
        groups.append({"zone": zone, "questions": asked})
        cases += zip(names, questions)
    answers = evaluator.evaluate(groups)
    wrong = [(name, case, answer) for (name, case), answer in zip(cases, answers, strict=True) if not is_right(case, answer)]
    for name, case, answer in wrong:
        print(f"{name} ({case['spec']}): wanted {case['result']} {case.get('explanation', '')}, got {answer}")
    print(f"{len(cases) - len(wrong)} of {len(cases)} cases right")
    return 1 if wrong or len(cases) < 200 else 0


if __name__ == "__main__":
    sys.exit(main())
