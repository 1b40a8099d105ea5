// Outlook: what becomes of one kind of mail under one configuration, as names and values to be
// compared. No I/O.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "config/description.hpp"
#include "relay/recent_mail.hpp"

namespace signet {

/// "outcome", "client", "signed_by" (the domains of d=), "verdict", "policy", "route", "pool",
/// "tls", and "limits." with each limit's name. What was not come to is not there.
using Outlook = std::map<std::string, std::string>;

/// From an explanation (relay/explainer.hpp) of mail with one recipient.
[[nodiscard]] Outlook outlook_of(const nlohmann::json& explanation);

/// What another configuration does to a kind of mail.
struct OutlookChange {
  std::vector<config::SettingChange> differences;  ///< Between the outlooks, by name.
  /// It was signed and no more is, wherever that leads; or it was kept back and leaves unsigned.
  bool becomes_unsigned = false;
  /// Its verdict was another and is fail; or it was kept back and leaves in spite of fail.
  bool becomes_misaligned = false;
  bool becomes_refused = false;
};
[[nodiscard]] OutlookChange compare_outlooks(const Outlook& before, const Outlook& after);

/// Of one kind of mail.
struct KindChange {
  RecentMail::Entry entry;
  OutlookChange change;
};
/// What either forbids.
[[nodiscard]] config::ReloadSettings either(const config::ReloadSettings& one,
                                            const config::ReloadSettings& other);
/// Why `rules` forbid such changes, naming the first few kinds; empty: they do not.
[[nodiscard]] std::string objection_to(const std::vector<KindChange>& changes,
                                       const config::ReloadSettings& rules);

/// One kind for each client, each domain it lists, and each way its mail may leave by: for domains
/// that did not send lately. At most `most`.
[[nodiscard]] std::vector<MailKind> configured_kinds(const config::Settings& settings,
                                                     std::size_t most);

/// "example.com by client apps to example.net".
[[nodiscard]] std::string words_of(const MailKind& kind);

[[nodiscard]] nlohmann::json to_json(const MailKind& kind);
/// Fault: bad_parameter.
[[nodiscard]] Result<MailKind> kind_from_json(const nlohmann::json& told);

}  // namespace signet
