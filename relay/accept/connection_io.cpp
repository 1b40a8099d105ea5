// The waits of a connection: for commands, for data, for the peer to take a reply, for its end.
#include <algorithm>

#include "relay/accept/connection.hpp"
#include "relay/accept/proxy_header.hpp"

namespace signet::accept {
namespace {

using std::chrono::ceil;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr std::size_t kIdleReplies = 256;
constexpr milliseconds kDrainCheck = seconds(1);
constexpr milliseconds kLinger = seconds(10);

/// The limit a fault stands for; empty: none.
std::string_view limit_of(Fault fault) {
  switch (fault) {
    case Fault::too_many_errors:
      return "junk_commands";
    case Fault::too_many_transactions:
      return "transactions_per_session";
    case Fault::too_many_recipients:
      return "recipients";
    case Fault::message_too_big:
      return "message_bytes";
    case Fault::header_too_big:
      return "header_bytes";
    case Fault::line_too_long:
      return "command_line";
    case Fault::idle_timeout:
      return "client_timeout";
    default:
      return {};
  }
}

/// The peer may be sending still, and should learn why we end.
bool is_worth_lingering(const Say& last) {
  return last.refused && !last.reply.empty() && *last.refused != Fault::idle_timeout &&
         *last.refused != Fault::shutting_down;
}

}  // namespace

bool Connection::is_proxy() const {
  return !facts_.peer.unix_user &&
         std::ranges::any_of(listener_.proxy_from, [this](const IpNetwork& network) {
           return network.contains(stream_.peer().address);
         });
}

// TLS may begin right after the header, on the socket itself: so only what belongs to the header
// is read.
net::Task<Result<void>> Connection::take_proxy_header() {
  const auto deadline = steady_clock::now() + settings_->timeouts.proxy_header;
  std::string header;
  while (true) {
    const auto step = read_proxy_header(header);
    if (!step) co_return step.failure();
    if (step->wants == 0) {
      facts_.remote = step->client.value_or(facts_.remote);
      facts_.peer.address = facts_.remote.address;
      co_return Result<void>();
    }
    const auto left = ceil<milliseconds>(deadline - steady_clock::now());
    if (left.count() <= 0) co_return fail(Fault::proxy_header_wrong, "too late");
    const std::size_t size = header.size();
    header.resize(size + step->wants);
    auto reading = stream_.read(std::span<char>(header).subspan(size), left);
    const auto got = co_await std::move(reading);
    if (!got || *got == 0) co_return fail(Fault::proxy_header_wrong, "ends early");
    header.resize(size + *got);
  }
}

net::Task<Say> Connection::await_data(Pace& pace) {
  auto flushing = flush();
  const bool is_flushed = co_await std::move(flushing);
  if (!is_flushed) co_return silent_end();
  const std::span<char> room = inbox_.room();
  const auto began = steady_clock::now();
  auto reading = stream_.read(room, settings_->timeouts.data_block);
  const auto got = co_await std::move(reading);
  if (!got && got.error().fault == Fault::timed_out) {
    co_return hang_up(Error{Fault::idle_timeout, "in the data"});
  }
  if (!got || *got == 0) co_return silent_end();
  inbox_.filled(*got);
  if (*got == room.size()) inbox_.reserve(Inbox::kMost);
  if (pace.keeps_up(*got, steady_clock::now() - began)) co_return Say{};
  co_return hang_up(Error{Fault::idle_timeout, "data too slow"});
}

net::Task<bool> Connection::await_command() {
  auto flushing = flush();
  const bool is_flushed = co_await std::move(flushing);
  if (!is_flushed) co_return false;
  inbox_.rest();
  while (true) {
    const auto left = ceil<milliseconds>(command_deadline_ - steady_clock::now());
    std::optional<Fault> ends;
    if (left.count() <= 0) ends = Fault::idle_timeout;
    if (door_.is_draining() && !dialogue_.in_transaction()) ends = Fault::shutting_down;
    if (ends) {
      auto ending = end(hang_up(Error{*ends, {}}));
      co_await std::move(ending);
      co_return false;
    }
    // Nothing is lost when a read times out: the next one goes on where it stopped.
    auto reading = stream_.read(inbox_.room(), std::min(left, kDrainCheck));
    const auto got = co_await std::move(reading);
    if (!got && got.error().fault == Fault::timed_out) continue;
    if (!got || *got == 0) co_return false;
    inbox_.filled(*got);
    co_return true;
  }
}

void Connection::speak(const Say& say) {
  replies_ += say.reply;
  if (!say.refused) return;
  metrics_.command_refused(*say.refused);
  const std::string_view limit = limit_of(*say.refused);
  if (!limit.empty()) metrics_.limit_hit(limit);
}

net::Task<bool> Connection::flush() {
  if (replies_.empty()) co_return true;
  auto writing = stream_.write(replies_, settings_->timeouts.command);
  const auto written = co_await std::move(writing);
  replies_.clear();
  if (replies_.capacity() > kIdleReplies) std::string().swap(replies_);
  co_return written.has_value();
}

net::Task<void> Connection::end(Say last) {
  speak(last);
  auto flushing = flush();
  const bool is_flushed = co_await std::move(flushing);
  if (!is_flushed) co_return;
  stream_.shut_down();
  if (!is_worth_lingering(last)) co_return;
  auto lingering = linger();
  co_await std::move(lingering);
}

net::Task<void> Connection::linger() {
  const auto deadline = steady_clock::now() + kLinger;
  std::uint64_t dropped = 0;
  inbox_ = Inbox();
  inbox_.reserve(Inbox::kMost / 4);
  while (dropped <= limits_.message_bytes) {
    const auto left = ceil<milliseconds>(deadline - steady_clock::now());
    if (left.count() <= 0) co_return;
    auto reading = stream_.read(inbox_.room(), left);
    const auto got = co_await std::move(reading);
    if (!got || *got == 0) co_return;
    dropped += *got;
  }
}

}  // namespace signet::accept
