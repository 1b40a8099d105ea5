#!/usr/bin/env python3
"""Generated records and zones give what pyspf says of them, but where the RFC explains the difference."""
import collections
import ipaddress
import itertools
import logging
import sys
import types
from pathlib import Path

import evaluator
import generated

SEED = 7208
ZONES = 4000


def reverse_name(address):
    return ipaddress.ip_address(address).reverse_pointer


class Table:
    """A zone as pyspf's lookup function; CNAMEs are told as answers are."""

    def __init__(self, spf, zone):
        self.spf = spf
        self.zone = {name.lower(): records for name, records in zone.items()}

    def __call__(self, name, kind, strict=True, timeout=20):
        records = self.zone.get(name.lower(), [])
        found = [((name, kind), self.value(record)) for record in records if record[0] == kind]
        if found:
            return found
        if ["TIMEOUT"] in records:
            raise self.spf.TempError("DNS time out")
        return [((name, "CNAME"), record[1]) for record in records if record[0] == "CNAME"]

    @staticmethod
    def value(record):
        if record[0] == "TXT":
            return [text.encode("latin-1") for text in record[1:]]
        return (record[1], record[2]) if record[0] == "MX" else record[1]


def ask_pyspf(spf, zone, asked):
    spf.DNSLookup = Table(spf, zone)
    query = spf.query(i=asked["ip"], s=f"{asked['local']}@{asked['domain']}", h=asked["helo"], strict=1)
    result, _, words = query.check()
    return result, words


def generate():
    zones = generated.Zones(SEED)
    pick = zones.random
    addresses = generated.ADDRESSES + generated.ADDRESSES6
    for _ in range(ZONES):
        zone = zones.zone([reverse_name(address) for address in addresses])
        sender = f"{pick.choice(generated.LOCALS)}@{pick.choice(generated.NAMES)}"
        yield zone, evaluator.question(pick.choice(addresses), sender, pick.choice(generated.HOSTS))


def to_table(zone):
    as_text = lambda record: ["TXT", *(text.encode("latin-1").hex() for text in record[1:])] if record[0] == "TXT" else record
    return {name: [as_text(record) for record in records] for name, records in zone.items()}


class Difference:
    """Something pyspf does otherwise than RFC 7208 says, and how to change its source so that it does not."""

    def __init__(self, section, why, *replacements):
        self.section, self.why, self.replacements = section, why, replacements

    def apply(self, source):
        for old, new in self.replacements:
            if old not in source:
                raise SystemExit(f"pyspf is not the one this table was written for: no {old!r}")
            source = source.replace(old, new)
        return source


MACRO = r"[slodipvhcrtSLODIPVHCRT](?:0*[1-9][0-9]*)?[rR]?[.+,/_=-]*\}"
# The validated names, tolerant of DNS errors.
VALIDATED = """\
    def validated_ptrs(self):
        def leads_back(name):
            try:
                return self.cidrmatch(self.dns_a(name, self.A), self.cidrmax)
            except TempError:
                return False
        try:
            names = self.dns_ptr(self.i)[:MAX_PTR]
        except TempError:
            names = []
        return [name for name in names if leads_back(name)]

    def validated_ptrs_as_it_was(self):
"""
# pyspf expands macros before it evaluates terms: the void lookups of %{p} are kept for the term.
GETP = """\
    def getp(self):
        self.in_p = True
        try:
            return self.getp_as_it_was()
        finally:
            self.in_p = False

    def getp_as_it_was(self):
"""
TERM = """\
for mech, m, arg, cidrlength, result in mechs:
            self.term_counted = self.p_void and "%{p" in mech.lower()
            if self.term_counted:
                self.void_lookups += 1
                if self.void_lookups > MAX_VOID_LOOKUPS:
                    raise PermError('Void lookup limit')
"""
VOID = """\
        if not result and not ignore_void and self.in_p:
            self.p_void = True
        elif not result and not ignore_void and qtype != 'TXT' and not self.term_counted:
            self.term_counted = True
"""
DIFFERENCES = [
    Difference(
        "7.1", "'%%' may end a string, and a macro is a letter, digits that are not zero, 'r' and delimiters",
        ("re.compile(r'(?<!%)%[^{%_-]|%$')", f"re.compile(r'^(?:[^%]|%[%_-]|%\\{{{MACRO})*%(?![%_-]|\\{{{MACRO})')"),
    ),
    Difference(
        "4.6.4", "void lookups are counted by terms, and the record of a domain is no term",
        ("self.void_lookups = 0", "self.void_lookups = 0; self.term_counted = self.in_p = self.p_void = False"),
        ("    def getp(self):\n", GETP),
        ("for mech, m, arg, cidrlength, result in mechs:\n", TERM),
        ("        if not result and not ignore_void:\n", VOID),
    ),
    Difference(
        "4.6.4", "an include of the domain itself is no syntax error: evaluated, it meets the limit of lookups",
        ("if arg == self.d:", "if False:"),
    ),
    Difference(
        "6", "only redirect and exp may not appear twice",
        ("if mod in modifiers:", "if mod.lower() in modifiers and mod.lower() in ('redirect', 'exp'):"),
        ("modifiers.append(mod)", "modifiers.append(mod.lower())"),
    ),
    Difference(
        "5.5", "a DNS error leaves a name of the address out, and no more",
        ("    def validated_ptrs(self):\n", VALIDATED),
    ),
    Difference(
        "2.6.6", "a loop of aliases is an error of the DNS (RFC 1034 3.6.2), not an empty answer",
        ("if self.strict > 1: raise AmbiguityWarning('CNAME loop', cname)", "raise TempError('CNAME loop')"),
    ),
]


def load_pyspf(module, differences):
    """pyspf without these differences."""
    source = Path(module.__file__).read_text()
    for difference in differences:
        source = difference.apply(source)
    made = types.ModuleType("spf_mended")
    exec(compile(source, "spf_mended.py", "exec"), made.__dict__)
    return made


class Explainer:
    def __init__(self, module):
        self.module = module
        self.loaded = {}

    def agrees(self, differences, zone, asked, result):
        if differences not in self.loaded:
            self.loaded[differences] = load_pyspf(self.module, differences)
        return ask_pyspf(self.loaded[differences], zone, asked)[0] == result

    def explain(self, zone, asked, result):
        """The smallest set of differences without which pyspf says `result`; nothing if there is none."""
        for size in range(1, 4):
            for chosen in itertools.combinations(DIFFERENCES, size):
                if self.agrees(chosen, zone, asked, result):
                    return chosen
        return ()


def main():
    logging.disable()
    evaluator.need_module("DNS")
    spf = evaluator.need_module("spf")
    cases = list(generate())
    answers = evaluator.evaluate([{"zone": to_table(zone), "questions": [asked]} for zone, asked in cases])
    explainer = Explainer(spf)
    seen, explained, unexplained = collections.Counter(), collections.Counter(), []
    for (zone, asked), ours in zip(cases, answers, strict=True):
        theirs, words = ask_pyspf(spf, zone, asked)
        seen[ours["result"]] += 1
        if ours["result"] == theirs:
            continue
        why = explainer.explain(zone, asked, ours["result"])
        if why:
            explained.update(why)
        else:
            unexplained.append((asked, ours, theirs, words, zone))
    for asked, ours, theirs, words, zone in unexplained[:12]:
        records = {name: [record for record in zone[name]] for name in ours["chain"] if name in zone}
        print(f"\n{asked}\n  ours: {ours}\n  pyspf: {theirs}, {words}\n  {records}")
    print(f"{len(cases)} questions, results {dict(seen)}")
    for difference, count in explained.most_common():
        print(f"{count:5} explained by RFC 7208 {difference.section}: {difference.why}")
    print(f"{len(unexplained)} unexplained")
    unused = [difference.why for difference in DIFFERENCES if difference not in explained]
    if unused:
        print(f"rows that explain nothing: {unused}")
    rare = [result for result in ("pass", "fail", "softfail", "neutral", "none", "permerror", "temperror") if seen[result] < 20]
    if rare:
        print(f"too few with {rare}: the comparison has lost its sense")
    return 1 if unexplained or unused or rare else 0


if __name__ == "__main__":
    sys.exit(main())
