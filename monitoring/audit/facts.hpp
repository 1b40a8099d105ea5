// What the DNS said about a domain: the input of the checks. Values only.
//
// Wherever `error` is not empty the DNS did not answer, and nothing is known.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "monitoring/audit/subject.hpp"
#include "relay/align/dmarc.hpp"
#include "relay/align/spf.hpp"
#include "relay/align/texts.hpp"

namespace signet::audit {

/// A name that the reverse DNS gives an address.
struct PointerName {
  std::string name;
  bool leads_back = false;
};

struct AddressFacts {
  align::EgressPoint point;
  align::SpfResult spf = {};
  /// The rest only of addresses of ours that receivers can see.
  bool is_checked = false;
  std::vector<PointerName> names = {};
  std::string names_error = {};  ///< Also when a name could not be followed and none leads back.
  std::vector<IpAddress> helo_addresses = {};
  std::string helo_error = {};
};

struct MailHosts {
  std::vector<net::MxRecord> records = {};
  bool has_address = false;  ///< Without MX: an A or AAAA record (RFC 5321 5.1).
  std::string error = {};
};

/// Where DMARC reports are to go.
struct Destination {
  std::string tag;  ///< "rua" or "ruf"
  std::string uri;
  std::string host = {};  ///< Of a mailto: URI; empty for another scheme.
  bool is_external = false;
  std::string name = {};                ///< Of the record that authorises, when external.
  std::vector<std::string> texts = {};  ///< What is there.
  std::string error = {};
};

struct Facts {
  Subject subject;
  std::vector<AddressFacts> addresses = {};
  align::Texts spf_texts = {};
  /// For an address no record lists: how many lookups the whole record needs.
  std::optional<align::SpfResult> whole_spf = {};
  std::vector<align::Texts> key_texts = {};  ///< One for each of subject.keys.
  align::AppliedPolicy policy = {};
  std::string policy_error = {};
  align::Texts own_dmarc_texts = {};  ///< At "_dmarc." and the domain.
  align::Texts dmarc_texts = {};      ///< At the DMARC Policy Domain, when there is one.
  std::vector<Destination> destinations = {};
  MailHosts mail_hosts = {};
  align::Texts tls_rpt = {};
  align::Texts mta_sts = {};
  align::Texts bimi = {};
};

}  // namespace signet::audit
