#include "relay/align/spf_questions.hpp"

#include <algorithm>
#include <utility>

#include "relay/align/spf_record.hpp"

namespace signet::align {
namespace {

constexpr std::size_t kMaxName = 253;
constexpr std::size_t kMaxLabel = 63;

std::string_view type_name(net::RecordType type) {
  switch (type) {
    case net::RecordType::a:
      return "A";
    case net::RecordType::aaaa:
      return "AAAA";
    case net::RecordType::mx:
      return "MX";
    case net::RecordType::ptr:
      return "PTR";
    default:
      return "TXT";
  }
}

Failure temporary(const std::string& name, net::RecordType type, const std::string& what) {
  return fail(Fault::dns_temporary,
              std::string(type_name(type)) + " of " + shown(name) + ": " + what);
}

using Answer = std::optional<Result<net::DnsAnswer>>;

net::Task<void> keep(net::Task<Result<net::DnsAnswer>> question, Answer& into, net::Event& done) {
  into.emplace(co_await std::move(question));
  done.notify_all();
}

}  // namespace

bool is_askable(std::string_view name) {
  if (name.empty() || name.size() > kMaxName) return false;
  for (std::size_t start = 0; start <= name.size();) {
    const std::size_t end = std::min(name.find('.', start), name.size());
    if (end == start || end - start > kMaxLabel) return false;
    start = end + 1;
  }
  return true;
}

SpfQuestions::SpfQuestions(net::Resolver& resolver, net::Loop& loop, const SpfLimits& limits)
    : resolver_(resolver),
      loop_(loop),
      left_(limits.questions),
      deadline_(std::chrono::steady_clock::now() + limits.deadline) {}

bool SpfQuestions::is_late() const { return std::chrono::steady_clock::now() >= deadline_; }

net::Task<Result<net::DnsAnswer>> SpfQuestions::ask(std::string name, net::RecordType type) {
  if (is_late()) co_return temporary(name, type, "no time left");
  if (left_ == 0) co_return fail(Fault::bad_parameter, "too many DNS questions");
  --left_;
  Answer answer;
  net::Event done(loop_);
  net::TaskScope scope;  // Ends before what it writes to.
  scope.spawn(keep(resolver_.resolve(loop_, name, type), answer, done));
  if (!answer) {
    const auto left = deadline_ - std::chrono::steady_clock::now();
    (void)co_await done.wait(
        std::max(std::chrono::ceil<std::chrono::milliseconds>(left), std::chrono::milliseconds(0)));
  }
  if (!answer) co_return temporary(name, type, "no time left");
  if (!*answer) co_return temporary(name, type, shown(answer->error().detail));
  if (type != net::RecordType::txt && (*answer)->records.empty()) saw_void_ = true;
  ttl_ = std::min(ttl_.value_or((*answer)->ttl), (*answer)->ttl);
  co_return std::move(**answer);
}

bool SpfQuestions::take_void() { return std::exchange(saw_void_, false); }

std::chrono::seconds SpfQuestions::ttl() const { return ttl_.value_or(std::chrono::seconds(0)); }

}  // namespace signet::align
