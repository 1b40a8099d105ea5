#include "relay/report/webhook.hpp"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <future>
#include <mutex>
#include <optional>

#include "relay/report/event_buffer.hpp"

namespace signet::report {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kBatchBytes = std::uint64_t{1} << 20U;
constexpr std::chrono::hours kLong{24};  // Between looks when nothing waits.
constexpr int kTooLarge = 413;           // RFC 9110 15.5.14

std::string body_of(const std::vector<std::string>& lines, WebhookTarget::Format format) {
  const bool is_array = format == WebhookTarget::Format::json;
  std::string body = is_array ? "[" : "";
  for (const std::string& line : lines) {
    if (is_array && body.size() > 1) body += ',';
    body += line;
    if (!is_array) body += '\n';
  }
  return is_array ? body + "]" : body;
}

net::HttpPost request_for(const WebhookTarget& target, const std::vector<std::string>& lines) {
  const bool is_array = target.format == WebhookTarget::Format::json;
  net::HttpPost request{
      .url = target.url,
      .tls = target.tls,
      .fields = {{"Content-Type", is_array ? "application/json" : "application/x-ndjson"},
                 {"User-Agent", "signet/" SIGNET_VERSION}},
      .body = body_of(lines, target.format)};
  if (!target.authorization.empty())
    request.fields.emplace_back("Authorization", target.authorization);
  return request;
}

bool is_taken(const Result<net::HttpAnswer>& answer) { return answer && answer->status / 100 == 2; }

std::string reason(const Result<net::HttpAnswer>& answer) {
  return answer ? "answered " + std::to_string(answer->status) : answer.error().detail;
}

}  // namespace

struct Webhook::Impl {
  Impl(Options given, const Clock& time)
      : options(std::move(given)), clock(time), buffer(time), thread("signet-webhook") {}

  net::Task<void> run();
  [[nodiscard]] net::Task<void> wait_for_batch();
  /// False: it was not taken, and a pause is due.
  [[nodiscard]] bool settle(const Result<net::HttpAnswer>& answer, std::size_t events);
  void note_failure(const Result<net::HttpAnswer>& answer);
  [[nodiscard]] milliseconds next_pause(const Result<net::HttpAnswer>& answer);
  void wake();
  void read_waiting();
  void keep_waiting();

  const Options options;
  const Clock& clock;
  EventBuffer buffer;
  std::atomic<std::uint64_t> sent{0};
  std::atomic<std::uint64_t> failures{0};
  std::atomic<bool> has_target{false};
  std::atomic<std::size_t> batch_events{1};

  // The loop's.
  std::shared_ptr<const WebhookTarget> target;
  /// Events in a batch: half of one that was too large, doubled by each that is taken.
  std::size_t at_most = SIZE_MAX;
  milliseconds pause{0};  ///< The last; 0: the last request was taken.
  bool is_ending = false;
  std::promise<void> ended;
  std::optional<net::HttpClient> client;
  std::optional<net::Event> changed;  ///< Something to send, another target, or the end.
  std::optional<net::TaskScope> tasks;
  net::LoopThread thread;
};

Webhook::Webhook(Options options, const Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(options), clock)) {
  impl_->read_waiting();
  impl_->thread.loop().post([impl = impl_.get()] {
    impl->changed.emplace(impl->thread.loop());
    impl->tasks.emplace();
    impl->tasks->spawn(impl->run());
  });
}

Webhook::~Webhook() {
  auto ended = impl_->ended.get_future();
  impl_->thread.loop().post([impl = impl_.get()] {
    impl->is_ending = true;
    impl->changed->notify_all();
  });
  ended.wait_for(impl_->options.farewell);
  std::promise<void> cleared;
  impl_->thread.loop().post([&] {
    impl_->tasks.reset();
    impl_->changed.reset();
    impl_->client.reset();
    cleared.set_value();
  });
  cleared.get_future().wait();
  impl_->keep_waiting();
}

void Webhook::aim(std::shared_ptr<const WebhookTarget> target) {
  if (target) impl_->buffer.limit(target->buffer_bytes);
  if (target) impl_->batch_events = target->batch_events;
  impl_->has_target = target != nullptr;
  impl_->thread.loop().post([impl = impl_.get(), target = std::move(target)]() mutable {
    impl->target = std::move(target);
    impl->at_most = SIZE_MAX;
    impl->pause = milliseconds(0);
    impl->changed->notify_all();
  });
}

void Webhook::add(std::string_view line) {
  if (!impl_->has_target) return;
  const EventBuffer::Added added = impl_->buffer.add(line);
  const bool is_full_batch =
      added != EventBuffer::Added::dropped && impl_->buffer.size() % impl_->batch_events == 0;
  if (added == EventBuffer::Added::first || is_full_batch) impl_->wake();
}

Webhook::Stats Webhook::stats() const {
  // Without a receiver nothing is late: what waits is for the next one.
  const auto oldest = impl_->has_target ? impl_->buffer.oldest() : std::nullopt;
  return {.sent = impl_->sent,
          .dropped = impl_->buffer.dropped(),
          .failures = impl_->failures,
          .waiting = impl_->buffer.size(),
          .waiting_bytes = impl_->buffer.bytes(),
          .oldest = oldest ? std::chrono::duration_cast<std::chrono::seconds>(
                                 impl_->clock.steady() - *oldest)
                           : std::chrono::seconds(0)};
}

void Webhook::Impl::wake() {
  thread.loop().post([this] {
    // A pause after a failure is not cut short by more to send.
    if (pause == milliseconds(0)) changed->notify_all();
  });
}

net::Task<void> Webhook::Impl::run() {
  for (;;) {
    co_await wait_for_batch();
    if (!target || buffer.size() == 0) {
      if (is_ending) break;
      continue;
    }
    const std::shared_ptr<const WebhookTarget> now = target;
    const auto lines = buffer.first(std::min(now->batch_events, at_most), kBatchBytes);
    if (!client) client.emplace(thread.loop());
    const auto answer = co_await client->post(request_for(*now, lines), now->timeout);
    if (settle(answer, lines.size())) continue;
    if (is_ending) break;
    if (target != now) continue;
    pause = next_pause(answer);
    static_cast<void>(co_await changed->wait(pause));
  }
  ended.set_value();
}

net::Task<void> Webhook::Impl::wait_for_batch() {
  while (!is_ending) {
    const auto oldest = buffer.oldest();
    milliseconds rest = kLong;
    if (oldest && target) {
      if (pause > milliseconds(0) || buffer.size() >= target->batch_events) co_return;
      const auto age = std::chrono::duration_cast<milliseconds>(clock.steady() - *oldest);
      if (age >= target->batch_time) co_return;
      rest = target->batch_time - age;
    }
    static_cast<void>(co_await changed->wait(rest));
  }
}

bool Webhook::Impl::settle(const Result<net::HttpAnswer>& answer, std::size_t events) {
  if (is_taken(answer)) {
    buffer.taken(events);
    sent += events;
    if (pause > milliseconds(0)) spdlog::info("webhook: events are taken again");
    pause = milliseconds(0);
    at_most = at_most > SIZE_MAX / 2 ? SIZE_MAX : at_most * 2;
    return true;
  }
  ++failures;
  const bool is_too_large = answer && answer->status == kTooLarge;
  if (is_too_large && events > 1) {
    at_most = events / 2;
    return true;
  }
  if (is_too_large) {
    spdlog::error("webhook: the receiver takes no event as large as this one, which is dropped");
    buffer.drop_first();
    at_most = SIZE_MAX;
    return true;
  }
  note_failure(answer);
  return false;
}

// Once for each time the receiver goes away, not for each attempt.
void Webhook::Impl::note_failure(const Result<net::HttpAnswer>& answer) {
  if (pause > milliseconds(0)) return;
  spdlog::warn("webhook: {}: {}; {} events wait", target ? target->url.authority() : "",
               reason(answer), buffer.size());
}

milliseconds Webhook::Impl::next_pause(const Result<net::HttpAnswer>& answer) {
  const milliseconds grown = pause == milliseconds(0) ? options.first_pause : pause * 2;
  const milliseconds asked = answer ? milliseconds(answer->retry_after) : milliseconds(0);
  return std::min(std::max(grown, asked), options.longest_pause);
}

void Webhook::Impl::read_waiting() {
  if (options.waiting_file.empty()) return;
  std::ifstream file(options.waiting_file);
  for (std::string line; std::getline(file, line);) buffer.restore(std::move(line));
  std::error_code error;
  std::filesystem::remove(options.waiting_file, error);
}

void Webhook::Impl::keep_waiting() {
  buffer.note_missing();
  if (buffer.size() == 0 || options.waiting_file.empty()) return;
  std::string text;
  for (const std::string& line : buffer.first(SIZE_MAX, UINT64_MAX)) (text += line) += '\n';
  const int file =
      ::open(options.waiting_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  std::size_t written = 0;
  while (file >= 0 && written < text.size()) {
    const ssize_t put = ::write(file, text.data() + written, text.size() - written);
    if (put <= 0) break;
    written += static_cast<std::size_t>(put);
  }
  const bool is_kept = file >= 0 && written == text.size() && ::fsync(file) == 0;
  if (file >= 0) ::close(file);
  if (is_kept) return spdlog::info("webhook: {} events wait for the next start", buffer.size());
  spdlog::error("webhook: {} events are lost: they can't be kept in {}", buffer.size(),
                options.waiting_file.string());
}

}  // namespace signet::report
