// Which messages of the queue are meant: all conditions that are given must hold.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "relay/admin/request_target.hpp"
#include "relay/spool/spool.hpp"

namespace signet::admin {

struct QueueFilter {
  std::optional<bool> held;  ///< Held, or not.
  std::string client;
  std::optional<Domain> author_domain;
  std::optional<Domain> sender_domain;     ///< Of MAIL FROM; <> has none.
  std::optional<Domain> recipient_domain;  ///< Of a recipient that still waits.
  std::string route;                       ///< As recipient_domain.
  std::string pool;                        ///< As recipient_domain.
  std::optional<std::chrono::seconds> older_than;

  /// The parameters it is made of.
  [[nodiscard]] static const std::vector<std::string_view>& names();
  /// Other parameters are left alone. Fault: bad_parameter (the text says what is wrong).
  [[nodiscard]] static Result<QueueFilter> parse(const Parameters& parameters);

  [[nodiscard]] bool matches(const spool::Message& message, WallTime now) const;
  /// True of a recipient that waits, if what is said of recipients holds for it.
  [[nodiscard]] bool covers(const spool::RecipientState& recipient) const;
  friend bool operator==(const QueueFilter&, const QueueFilter&) = default;
};

}  // namespace signet::admin
