#include "relay/align/tree_walk.hpp"

#include <algorithm>

namespace signet::align {
namespace {

constexpr std::size_t kLongName = 7;      // Labels that are left after the first query.
constexpr std::size_t kMaxRecords = 100;  // TXT records of a name that are looked at.

std::size_t count_labels(std::string_view name) {
  return static_cast<std::size_t>(std::ranges::count(name, '.')) + 1;
}

std::string_view without_first_label(std::string_view name) {
  return name.substr(std::min(name.find('.') + 1, name.size()));
}

bool ends_walk(const std::optional<DmarcRecord>& record) {
  return record && record->psd != PublicSuffixFlag::unsaid;
}

/// "mail.example.com" for "a.mail.example.com" and "example.com".
std::string one_label_below(std::string_view start, std::string_view parent) {
  const auto left = start.substr(0, start.size() - parent.size() - 1);
  const auto dot = left.rfind('.');
  return std::string(start.substr(dot == std::string_view::npos ? 0 : dot + 1));
}

}  // namespace

std::vector<std::string> walk_domains(const std::string& start) {
  std::vector<std::string> domains{start};
  std::string_view rest = start;
  if (count_labels(rest) == 1) return domains;
  do {
    rest = without_first_label(rest);
  } while (count_labels(rest) > kLongName);
  for (;;) {
    domains.emplace_back(rest);
    if (count_labels(rest) == 1) return domains;
    rest = without_first_label(rest);
  }
}

std::optional<std::string> organizational_domain(const Walk& walk) {
  if (walk.failed()) return std::nullopt;
  const std::string* fewest_labels = &walk.start();
  for (const WalkStep& step : walk.steps) {
    if (!step.record) continue;
    if (step.record->psd == PublicSuffixFlag::no) return step.domain;
    if (step.record->psd == PublicSuffixFlag::yes && &step != &walk.steps.front())
      return one_label_below(walk.start(), step.domain);
    fewest_labels = &step.domain;
  }
  return *fewest_labels;
}

net::Task<Result<RecordAnswer>> ask_dmarc_record(net::Resolver& resolver, net::Loop& loop,
                                                 std::string domain) {
  const auto answer = co_await resolver.resolve(loop, "_dmarc." + domain, net::RecordType::txt);
  // A name too long for the prefix can't have a record.
  if (!answer && answer.error().fault == Fault::bad_parameter) co_return RecordAnswer{};
  if (!answer) co_return answer.failure();
  std::vector<std::string> texts;
  for (const std::string& rdata : answer->records) {
    auto text = net::decode_txt(rdata);
    if (text && texts.size() < kMaxRecords) texts.push_back(std::move(*text));
  }
  co_return RecordAnswer{select_dmarc_record(texts), answer->ttl};
}

net::Task<Walk> walk(net::Resolver& resolver, net::Loop& loop, Domain start) {
  Walk made{.steps = {}, .ttl = std::chrono::hours(24)};
  for (std::string& domain : walk_domains(start.text())) {
    auto asked = co_await ask_dmarc_record(resolver, loop, domain);
    made.steps.push_back({std::move(domain), std::nullopt});
    if (!asked) {
      made.error = asked.error().detail.empty() ? std::string(row(asked.error().fault).name)
                                                : asked.error().detail;
      co_return made;
    }
    made.ttl = std::min(made.ttl, asked->ttl);
    made.steps.back().record = std::move(asked->record);
    if (ends_walk(made.steps.back().record)) break;
  }
  co_return made;
}

}  // namespace signet::align
