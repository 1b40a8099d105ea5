"""Records and zones made at random from a fixed seed: mostly sound, some wrong on purpose."""
import random

NAMES = [f"d{i}.example.com" for i in range(8)]
HOSTS = [f"h{i}.example.net" for i in range(6)]
ABSENT = ["gone.example.org", "void.example.org"]
ADDRESSES = ["192.0.2.7", "192.0.2.8", "198.51.100.20", "203.0.113.129"]
ADDRESSES6 = ["2001:db8::7", "2001:db8:1::8", "2001:db8:ffff::1"]
LOCALS = ["strong-bad", "a.b-c+d", "postmaster", "x_y=z", "UPPER.case"]
MACROS = ["%{d}", "%{d2}", "%{dr}", "%{d1r}", "%{i}", "%{ir}", "%{l}", "%{l-}", "%{lr-}", "%{l1r-}", "%{o}", "%{o2}", "%{s}", "%{S}", "%{h}", "%{h2}", "%{v}", "%{p}", "%{p2}", "%%", "%_", "%-", "%{L}", "%{l+-=_}"]
WRONG_MACROS = ["%", "%a", "%{", "%{}", "%{x}", "%{d0}", "%{d2", "%{c}", "%{r}", "%{t}", "%{d-r}", "%{d2*}", "%{dd}"]
WRONG_TERMS = ["moo", "all.", "all:x", "all/8", "ip4", "ip4:", "ip4:1.2.3", "ip4:192.0.2.7/33", "ip4:192.0.2.7/08", "ip4:192.0.2.07", "ip4:192.0.2.256", "ip4:192.0.2.7//32", "ip6", "ip6:2001:db8::/129", "ip6:2001:db8", "ip6:::ffff:zz", "a:", "a:host", "a:1.2.3.4", "a:x.-com", "a/33", "a//129", "a/", "a//", "mx/08", "include", "include:", "include:x", "exists", "exists:x.example.com/24", "ptr/24", "ptr:", "redirect:d1.example.com", "redirect=", "exp=", "exp=-all", "=x", "1up=x", "+redirect=d1.example.com", "a:example.com,", "--all", "+", "a:d1.example.com/24/24", "moo=%", "moo=%{c}", "a:d1.example.com:25"]


class Zones:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def chance(self, share):
        return self.random.random() < share

    def target(self):
        pick = self.random
        if self.chance(0.12):
            return f"{pick.choice(MACROS)}.{pick.choice(MACROS)}.{pick.choice(NAMES)}"
        if self.chance(0.06):
            return f"{pick.choice(MACROS)}.{pick.choice(HOSTS)}"
        if self.chance(0.05):
            return pick.choice(["%{d}", "%{o}", "%{h}", "%{d2}"])
        if self.chance(0.015):
            return f"{pick.choice(WRONG_MACROS)}.example.com"
        if self.chance(0.01):
            return pick.choice(["x..example.com", "a" * 64 + ".example.com", "." + pick.choice(HOSTS), "example.com.", ("b" * 50 + ".") * 6 + pick.choice(HOSTS)])
        return pick.choice(NAMES + HOSTS + ABSENT)

    def prefix(self):
        four = f"/{self.random.choice([0, 8, 24, 25, 31, 32])}" if self.chance(0.3) else ""
        six = f"//{self.random.choice([0, 32, 48, 64, 127, 128])}" if self.chance(0.25) else ""
        return four + six

    def network(self):
        pick = self.random
        if self.chance(0.5):
            return "ip4:" + pick.choice(ADDRESSES + ["10.1.2.3", "192.0.2.0"]) + pick.choice(["", "", "/32", "/24", "/25", "/8", "/0"])
        return "ip6:" + pick.choice(ADDRESSES6 + ["2001:DB8::", "::", "::ffff:192.0.2.7", "::192.0.2.7"]) + pick.choice(["", "", "/128", "/64", "/32", "/33", "/0"])

    def mechanism(self):
        kind = self.random.choices(["net", "a", "mx", "include", "exists", "ptr", "all"], [30, 18, 12, 18, 8, 5, 2])[0]
        if kind == "net":
            return self.network()
        if kind in ("a", "mx"):
            return kind + (":" + self.target() if self.chance(0.7) else "") + self.prefix()
        if kind in ("include", "exists"):
            return f"{kind}:{self.target()}"
        if kind == "ptr":
            return "ptr" + (":" + self.target() if self.chance(0.6) else "")
        return "all"

    def term(self):
        if self.chance(0.012):
            return self.random.choice(WRONG_TERMS)
        if self.chance(0.03):
            return self.random.choice(["moo=cow", "x-y_z.1=%{d2}/%%", "unknown="])
        mechanism = self.mechanism()
        if self.chance(0.05):
            mechanism = mechanism.upper() if "%" not in mechanism else mechanism.capitalize()
        return self.random.choice(["", "", "", "", "+", "-", "~", "?"]) + mechanism

    def record(self):
        terms = [self.term() for _ in range(self.random.choice([0, 1, 2, 2, 3, 3, 4, 5, 12]))]
        if self.chance(0.15):
            terms.append("redirect=" + self.target())
        elif self.chance(0.7):
            terms.append(self.random.choice(["-all", "~all", "?all", "+all"]))
        if self.chance(0.02):
            terms.append("redirect=" + self.random.choice(NAMES))
        version = self.random.choices(["v=spf1", "V=SPF1", "v=spf10", "v=spf2.0/pra"], [95, 2, 1, 1])[0]
        return self.random.choices([" ", "  "], [9, 1])[0].join([version, *terms]) + (" " if self.chance(0.05) else "")

    def strings(self, text):
        if len(text) < 2 or not self.chance(0.2):
            return [text[at:at + 255] for at in range(0, len(text), 255)]
        cut = self.random.randrange(1, min(len(text), 250))
        return [text[:cut], *(text[at:at + 255] for at in range(cut, len(text), 255))]

    def hosts(self, zone):
        pick = self.random
        for name in HOSTS + NAMES:
            records = zone.setdefault(name, [])
            records += [["A", pick.choice(ADDRESSES)] for _ in range(pick.choice([0, 1, 1, 2]))]
            records += [["AAAA", pick.choice(ADDRESSES6)] for _ in range(pick.choice([0, 0, 1, 2]))]
            if self.chance(0.3):
                count = 11 if self.chance(0.05) else pick.choice([1, 2, 3])
                records += [["MX", 10 * i, pick.choice(HOSTS + ABSENT[:1])] for i in range(count)]
            if self.chance(0.03):
                records.append(["TIMEOUT"])

    def zone(self, reverse_names):
        pick = self.random
        zone = {}
        for name in NAMES:
            zone[name] = []
            if self.chance(0.93):
                zone[name].append(["TXT", *self.strings(self.record())])
            if self.chance(0.02):
                zone[name].append(["TXT", "v=spf1 -all"])
            if self.chance(0.1):
                zone[name].append(["TXT", "some other text"])
        self.hosts(zone)
        for name in reverse_names:
            if self.chance(0.6):
                zone[name] = [["PTR", host] for host in pick.sample(HOSTS + NAMES, pick.choice([1, 1, 2, 12]))]
        if self.chance(0.2):
            zone[pick.choice(HOSTS)] = [["CNAME", pick.choice(HOSTS[:3])]]
        zone["void.example.org"] = []
        return zone
