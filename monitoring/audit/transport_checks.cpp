// Records for mail that comes to the domain: TLS-RPT (RFC 8460 3) and MTA-STS (RFC 8461 3.1).
#include <algorithm>

#include "keys/private_key.hpp"
#include "keys/tag_list.hpp"
#include "monitoring/audit/checks.hpp"

namespace signet::audit {
namespace {

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_report_uri(std::string_view uri) {
  uri.remove_prefix(std::min(uri.find_first_not_of(" \t"), uri.size()));
  return uri.starts_with("mailto:") || uri.starts_with("https://");
}

/// rua= is a comma-separated list of mailto: and https: URIs.
bool is_tls_rpt(const keys::TagList& tags) {
  const keys::Tag* rua = tags.find("rua");
  if (rua == nullptr) return false;
  std::string_view list = rua->value;
  for (;;) {
    const auto end = list.find(',');
    if (!is_report_uri(list.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    list.remove_prefix(end + 1);
  }
}

/// id= has 1 to 32 letters and digits.
bool is_mta_sts(const keys::TagList& tags) {
  const keys::Tag* id = tags.find("id");
  return id != nullptr && !id->value.empty() && id->value.size() <= 32 &&
         std::ranges::all_of(id->value, &is_alphanumeric);
}

struct Kind {
  Check check;
  const char* title;
  const char* version;
  bool (*is_valid)(const keys::TagList& tags);
  const char* wants;
};

Findings judge(const Kind& kind, const std::string& name, const align::Texts& texts,
               const std::string& record, const std::string& why) {
  const std::string begin = std::string("v=") + kind.version;
  std::vector<std::string> found;
  std::ranges::copy_if(texts.texts, std::back_inserter(found),
                       [&](const std::string& text) { return text.starts_with(begin); });
  Finding finding{.check = kind.check, .level = Level::fail, .subject = name};
  if (!texts.error.empty()) {
    finding.level = Level::unknown;
    finding.words = name + " can't be looked up: " + texts.error;
    return {std::move(finding)};
  }
  if (found.empty()) {
    finding.level = Level::warning;
    finding.words = std::string("there is no ") + kind.title + " record: " + why;
  } else if (found.size() > 1) {
    finding.words = std::string("there are several ") + kind.title + " records: none counts";
  } else {
    const auto tags = keys::TagList::parse(found.front());
    const bool is_valid = tags && tags->front().value == kind.version && kind.is_valid(*tags);
    finding.level = is_valid ? Level::ok : Level::fail;
    finding.words = is_valid
                        ? std::string("the ") + kind.title + " record is valid"
                        : std::string("the ") + kind.title + " record is not valid: " + kind.wants;
  }
  if (finding.level != Level::ok) finding.publish.push_back(keys::txt_line(name, record));
  return {std::move(finding)};
}

}  // namespace

Findings check_tls_rpt(const Facts& facts) {
  const std::string& domain = facts.subject.domain.text();
  return judge({Check::tls_rpt, "TLS-RPT", "TLSRPTv1", &is_tls_rpt,
                "it is written v=TLSRPTv1; rua=mailto:... or rua=https://..."},
               "_smtp._tls." + domain, facts.tls_rpt, "v=TLSRPTv1; rua=mailto:postmaster@" + domain,
               "nobody hears when TLS to its mail hosts fails");
}

Findings check_mta_sts(const Facts& facts) {
  const std::string& domain = facts.subject.domain.text();
  return judge({Check::mta_sts, "MTA-STS", "STSv1", &is_mta_sts,
                "it is written v=STSv1; id= and 1 to 32 letters and digits"},
               "_mta-sts." + domain, facts.mta_sts, "v=STSv1; id=1",
               "mail to it may be sent in clear; it goes with a policy at https://mta-sts." +
                   domain + "/.well-known/mta-sts.txt");
}

}  // namespace signet::audit
