#include "relay/admin/queue_filter.hpp"

#include <algorithm>
#include <charconv>

namespace signet::admin {
namespace {

using spool::RecipientState;
using spool::RecipientStatus;

constexpr std::int64_t kMaxAge = 366LL * 24 * 3600;

Failure refuse(const std::string& why) { return fail(Fault::bad_parameter, why, why); }

const std::string* find(const Parameters& parameters, std::string_view name) {
  const auto found = parameters.find(name);
  return found == parameters.end() ? nullptr : &found->second;
}

Result<void> read_domain(const Parameters& parameters, std::string_view name,
                         std::optional<Domain>& into) {
  const std::string* text = find(parameters, name);
  if (text == nullptr) return {};
  const auto domain = Domain::parse(*text);
  if (!domain) return refuse(std::string(name) + " is not a domain name");
  into = *domain;
  return {};
}

Result<void> read_status(const Parameters& parameters, std::optional<bool>& held) {
  const std::string* text = find(parameters, "status");
  if (text == nullptr) return {};
  if (*text != "queued" && *text != "held") return refuse("status is queued or held");
  held = *text == "held";
  return {};
}

Result<void> read_age(const Parameters& parameters, std::optional<std::chrono::seconds>& into) {
  const std::string* text = find(parameters, "older_than");
  if (text == nullptr) return {};
  std::int64_t age = -1;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), age);
  const bool is_age =
      error == std::errc{} && end == text->data() + text->size() && age >= 0 && age <= kMaxAge;
  if (!is_age) return refuse("older_than is a number of seconds, at most a year");
  into = std::chrono::seconds(age);
  return {};
}

bool is_waiting(const RecipientState& recipient) {
  return recipient.status == RecipientStatus::queued || recipient.status == RecipientStatus::held;
}

}  // namespace

const std::vector<std::string_view>& QueueFilter::names() {
  static const std::vector<std::string_view> kNames{
      "status",           "client", "author_domain", "sender_domain",
      "recipient_domain", "route",  "pool",          "older_than"};
  return kNames;
}

Result<QueueFilter> QueueFilter::parse(const Parameters& parameters) {
  QueueFilter filter;
  if (auto read = read_status(parameters, filter.held); !read) return read.failure();
  if (auto read = read_age(parameters, filter.older_than); !read) return read.failure();
  for (auto [name, into] : {std::pair("author_domain", &filter.author_domain),
                            std::pair("sender_domain", &filter.sender_domain),
                            std::pair("recipient_domain", &filter.recipient_domain)}) {
    if (auto read = read_domain(parameters, name, *into); !read) return read.failure();
  }
  for (auto [name, into] : {std::pair("client", &filter.client), std::pair("route", &filter.route),
                            std::pair("pool", &filter.pool)}) {
    const std::string* text = find(parameters, name);
    if (text == nullptr) continue;
    if (text->empty()) return refuse(std::string(name) + " is empty");
    *into = *text;
  }
  return filter;
}

bool QueueFilter::matches(const spool::Message& message, WallTime now) const {
  const auto& [record, state] = message;
  if (held && *held != state.is_held()) return false;
  if (!client.empty() && client != record.client) return false;
  if (author_domain && author_domain->text() != record.author_domain) return false;
  const auto& sender = record.envelope.sender;
  if (sender_domain && (!sender || sender->domain != *sender_domain)) return false;
  if (older_than && now - record.received < *older_than) return false;
  if (!recipient_domain && route.empty() && pool.empty()) return true;
  return std::ranges::any_of(state.recipients,
                             [this](const RecipientState& recipient) { return covers(recipient); });
}

bool QueueFilter::covers(const RecipientState& recipient) const {
  return is_waiting(recipient) &&
         (!recipient_domain || recipient.recipient.address.domain == *recipient_domain) &&
         (route.empty() || route == recipient.route) && (pool.empty() || pool == recipient.pool);
}

}  // namespace signet::admin
