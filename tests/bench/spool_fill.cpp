#include "tests/bench/spool_fill.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>

namespace signet::bench {
namespace {

constexpr std::uint64_t kInFlight = 64;

}  // namespace

std::shared_ptr<const spool::Message> deferred_message(std::uint64_t id, WallTime due) {
  auto made = std::make_shared<spool::Message>();
  made->record.id = QueueId{id};
  made->record.client = "bench";
  made->record.header = std::string(400, 'h') + "\r\n";
  made->record.body_size = kFillBody;
  made->record.received = SystemClock().now();
  made->record.expires = due + std::chrono::hours(24);
  made->state.due = due;
  spool::RecipientState recipient{
      {{"you", std::move(*Domain::parse("example.net"))}, {}}, "mx", "default", {}, 0, ""};
  made->state.recipients.push_back(std::move(recipient));
  return made;
}

void Pump::run() {
  const std::uint64_t first = next_.fetch_add(kInFlight);
  for (std::uint64_t id = first; id < first + kInFlight && id < end_; ++id) start(id);
  finished_.get_future().wait();
}

void Pump::start(std::uint64_t id) {
  write_(id, [this](Result<void> ok) {
    if (!ok) std::abort();
    const std::uint64_t following = next_++;
    if (following < end_) start(following);
    if (--left_ == 0) finished_.set_value();
  });
}

void fill_spool(const std::filesystem::path& directory, std::uint64_t count, WallTime due) {
  const SystemClock clock;
  InlineExecutor here;
  auto opened = spool::Spool::open({.directory = directory, .on_commit = {}}, clock);
  if (!opened) {
    std::fprintf(stderr, "bench: %s\n", opened.error().detail.c_str());
    std::exit(3);
  }
  const auto body = std::make_shared<const std::string>(kFillBody, 'b');
  Pump(1, count, [&](std::uint64_t id, spool::Done<void> done) {
    (*opened)->store(deferred_message(id, due), body, here, std::move(done));
  }).run();
}

}  // namespace signet::bench
